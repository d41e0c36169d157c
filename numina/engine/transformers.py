"""Decode with transformers: what is waiting is gathered into one batch.

The decoding loop is ours because rows that are done leave the batch at once: `generate` computes
them on to the end of the longest, which on a CPU costs in full (measured on two cores, 48 rows of
like lengths: 155 tokens a second against 120; more where lengths differ). Each row draws from a
generator of its own, so what it samples does not depend on its neighbours in the batch, up to
rounding.
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

        self.network = load_model(model, dtype)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(model, padding_side="left")
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
        from transformers import DynamicCache

        device, end = self.network.device, self.tokenizer.eos_token_id
        encoded = self.tokenizer(prompts, return_tensors="pt", padding=True).to(device)
        mask = encoded["attention_mask"]
        prompt_tokens = mask.sum(1).tolist()
        rows = [Row(sampling) for sampling in samplings]
        active = list(range(len(rows)))
        cache: Any = DynamicCache(config=self.network.config)
        tokens = encoded["input_ids"]
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        with torch.inference_mode():
            while active:
                logits = self.network(
                    input_ids=tokens,
                    attention_mask=mask,
                    position_ids=positions,
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
                if len(stay) < len(active):
                    kept = torch.tensor(stay, dtype=torch.long, device=device)
                    cache.batch_select_indices(kept)
                    mask, positions, drawn = mask[kept], positions[kept], drawn[kept.cpu()]
                    active = [active[place] for place in stay]
                tokens = drawn[:, None].to(device)
                positions = positions[:, -1:] + 1
                mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
        return [
            row.completion(length, self.tokenizer)
            for row, length in zip(rows, prompt_tokens, strict=True)
        ]

    def _draw(self, logits: Any, rows: list[Row]) -> tuple[Any, Any]:
        """One token a row, of logits (rows, vocabulary), and its log-probability."""

        drawn = logits.argmax(-1)
        for place, row in enumerate(rows):
            if row.sampling.temperature > 0:
                drawn[place] = sample(logits[place], row.sampling, row.generator)
        chosen = logits.gather(1, drawn[:, None])[:, 0]
        return drawn, chosen - logits.logsumexp(-1)


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
