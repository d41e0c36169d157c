"""Decode with transformers: what is waiting is gathered into one batch.

The decoding loop is ours because rows that are done leave the batch at once, where `generate`
computes them on to the end of the longest, and because what was read once is kept: see
`numina.engine.cache`. Each row draws from a generator of its own, so what it samples does not
depend on its neighbours in the batch, up to rounding.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from numina.engine.protocol import Completion, Sampling, cut_at_stop
from numina.engine.weights import load_model

TAIL = 16  # tokens at a row's end in which a stop string is looked for first


class TransformersEngine:
    """An engine on one CPU or GPU. Use it as an async context manager.

    Args:
        model: a folder with a model and its tokenizer, GPTQ or plain.
        batch_size: most completions decoded side by side.
        dtype: float32, bfloat16 or float16.

    Raises:
        UserError: the folder has no model or no tokenizer.
    """

    def __init__(self, model: Path, batch_size: int, dtype: str) -> None:
        from transformers import AutoTokenizer

        from numina.engine.cache import ATTENTION, Prefixes

        self.network = load_model(model, dtype)
        self.network.set_attn_implementation(ATTENTION)
        self.prefixes = Prefixes()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(model)
        self.batch_size = batch_size
        self.waiting: asyncio.Queue[tuple[str, Sampling, asyncio.Future[Completion]]]

    async def __aenter__(self) -> TransformersEngine:
        self.waiting = asyncio.Queue()
        self.worker = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.worker.cancel()
        await asyncio.gather(self.worker, return_exceptions=True)

    def count_tokens(self, text: str) -> int:
        return len(self.tokenizer(text)["input_ids"])

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self.waiting.put_nowait((prompt, sampling, future))
        return await future

    async def _serve(self) -> None:
        while True:
            batch = [await self.waiting.get()]
            await asyncio.sleep(0.05)  # let the traces whose programs have just run come in
            while len(batch) < self.batch_size and not self.waiting.empty():
                batch.append(self.waiting.get_nowait())
            batch = [entry for entry in batch if not entry[2].cancelled()]
            if not batch:
                continue
            try:
                prompts, samplings = [b[0] for b in batch], [b[1] for b in batch]
                done = await asyncio.to_thread(self.decode, prompts, samplings)
            except Exception as error:
                for *_, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (*_, future), completion in zip(batch, done, strict=True):
                if not future.done():
                    future.set_result(completion)

    def decode(self, prompts: list[str], samplings: list[Sampling]) -> list[Completion]:
        """Continue prompts side by side, each with its own sampling."""
        import torch

        from numina.engine.cache import gather, take_row

        device, end = self.network.device, self.tokenizer.eos_token_id
        encoded = [self.tokenizer(prompt)["input_ids"] for prompt in prompts]
        rows = [Row(sampling) for sampling in samplings]
        active = list(range(len(rows)))
        with torch.inference_mode():
            pasts = self._read([tokens[:-1] for tokens in encoded])
            cache = gather(self.network, pasts)
            lengths = torch.tensor([len(tokens) - 1 for tokens in encoded], device=device)
            mask = right_aligned(lengths, cache.get_seq_length())
            tokens = torch.tensor([[row[-1]] for row in encoded], device=device)
            while active:
                mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
                logits = self.network(
                    input_ids=tokens,
                    attention_mask=mask,
                    position_ids=lengths[:, None],
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                ).logits[:, -1]
                drawn, logprobs = self._draw(logits.float().cpu(), [rows[i] for i in active])
                stay = []
                for place, (i, token) in enumerate(zip(active, drawn.tolist(), strict=True)):
                    rows[i].add(token, float(logprobs[place]), end, self.tokenizer)
                    if rows[i].finish is None:
                        stay.append(place)
                    elif rows[i].finish == "stop":  # its trace goes on once its program has run
                        seen = encoded[i] + rows[i].tokens[:-1]
                        past = take_row(cache, place, slice(-len(seen), None))
                        self.prefixes.add(seen, past)
                if len(stay) < len(active):
                    kept = torch.tensor(stay, dtype=torch.long, device=device)
                    cache.batch_select_indices(kept)
                    mask, lengths, drawn = mask[kept], lengths[kept], drawn[kept.cpu()]
                    active = [active[place] for place in stay]
                tokens = drawn[:, None].to(device)
                lengths = lengths + 1
        return [
            row.completion(len(tokens), self.tokenizer)
            for row, tokens in zip(rows, encoded, strict=True)
        ]

    def _read(self, sequences: list[list[int]]) -> list[Any]:
        """The pasts of sequences: what is known of them is reused, equal ones are read once."""
        import torch

        from numina.engine.cache import gather, take_row

        network = self.network
        nothing = torch.empty(network.config.num_hidden_layers, 2, 1, 0, 1, device=network.device)
        distinct = {tuple(tokens): nothing for tokens in sequences}
        for tokens in distinct:
            past = self.prefixes.longest(list(tokens))
            distinct[tokens] = nothing if past is None else past
        unread = [tokens for tokens, past in distinct.items() if len(tokens) > past.shape[-2]]
        if unread:
            pasts = [distinct[tokens] for tokens in unread]
            known = torch.tensor([past.shape[-2] for past in pasts], device=network.device)
            new = torch.tensor([len(tokens) for tokens in unread], device=network.device) - known
            cache = gather(network, pasts)
            before, width = cache.get_seq_length(), int(new.max())
            ids = torch.zeros(len(pasts), width, dtype=torch.long, device=network.device)
            for row, (tokens, past) in enumerate(zip(unread, pasts, strict=True)):
                fresh = tokens[past.shape[-2] :]
                ids[row, width - len(fresh) :] = torch.tensor(fresh)
            fresh_mask = right_aligned(new, width)
            mask = torch.cat([right_aligned(known, before), fresh_mask], dim=1)
            network(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(known[:, None] + fresh_mask.cumsum(1) - 1).clamp(min=0),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            for row, tokens in enumerate(unread):
                distinct[tokens] = take_row(cache, row, mask[row].bool())
                self.prefixes.add(list(tokens), distinct[tokens])
        return [distinct[tuple(tokens)] for tokens in sequences]

    def _draw(self, logits: Any, rows: list[Row]) -> tuple[Any, Any]:
        """One token a row, of logits (rows, vocabulary), and its log-probability."""

        drawn = logits.argmax(-1)
        for place, row in enumerate(rows):
            if row.sampling.temperature > 0:
                drawn[place] = sample(logits[place], row.sampling, row.generator)
        chosen = logits.gather(1, drawn[:, None])[:, 0]
        return drawn, chosen - logits.logsumexp(-1)


def right_aligned(lengths: Any, width: int) -> Any:
    """A mask (rows, width) of ones at the last `lengths` places of each row."""
    import torch

    places = torch.arange(width, device=lengths.device)
    return (places[None, :] >= width - lengths[:, None]).long()


def sample(logits: Any, sampling: Sampling, generator: Any) -> int:
    """Draw one token of `logits` (vocabulary,) by one uniform number of the generator."""
    import torch

    probabilities = torch.softmax(logits / sampling.temperature, dim=-1)
    order = None
    if sampling.top_p < 1:
        probabilities, order = probabilities.sort(descending=True)
        outside = probabilities.cumsum(-1) - probabilities >= sampling.top_p
        probabilities[outside] = 0
    total = probabilities.cumsum(-1)
    uniform = torch.rand(1, generator=generator) * total[-1]
    place = int(torch.searchsorted(total, uniform, right=True).clamp(max=len(total) - 1))
    return place if order is None else int(order[place])


class Row:
    """One completion while it is decoded."""

    def __init__(self, sampling: Sampling) -> None:
        import torch

        self.sampling = sampling
        self.generator = torch.Generator().manual_seed(sampling.seed)
        self.tokens: list[int] = []
        self.logprob_sum = 0.0
        self.finish: Any = None

    def add(self, token: int, logprob: float, end: int, tokenizer: Any) -> None:
        self.tokens.append(token)
        self.logprob_sum += logprob
        if token == end:
            self.finish = "end"
        elif cut_at_stop(tokenizer.decode(self.tokens[-TAIL:]), self.sampling.stop) is not None:
            self.finish = "stop"
        elif len(self.tokens) >= self.sampling.max_new_tokens:
            self.finish = "length"

    def completion(self, prompt_tokens: int, tokenizer: Any) -> Completion:
        text = tokenizer.decode(self.tokens, skip_special_tokens=True)
        cut = cut_at_stop(text, self.sampling.stop)
        return Completion(
            text=text if cut is None else cut,
            finish=self.finish,
            prompt_tokens=prompt_tokens,
            generated_tokens=len(self.tokens),
            logprob_sum=self.logprob_sum,
        )
