"""Decode with transformers: what is waiting joins the running batch at its next step.

The decoding loop is ours because rows join and leave at any step, where `generate` computes all of
them to the end of the longest, and because what was read once is kept: see `numina.engine.cache`.

Each row draws from a generator of its own, so what it samples does not depend on its neighbours,
up to rounding: sums over another number of rows differ in their last bits, which can turn a draw
that falls on a border. The same seeds give the same traces but for that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numina.engine.protocol import Completion, Sampling, cut_at_stop
from numina.models.weights import load_model

TAIL = 16  # tokens at a row's end in which a stop string is looked for first


class TransformersEngine:
    """An engine on one CPU or GPU. Use it as an async context manager.

    Args:
        model: a folder with a model and its tokenizer, GPTQ or plain.
        batch_size: most completions decoded side by side.
        dtype: auto, float32, bfloat16 or float16 (see `load_model`).
        prefix_caching: keep what was read, for prompts that begin alike.

    Raises:
        UserError: the folder has no model or no tokenizer.
    """

    def __init__(
        self, model: Path, batch_size: int, dtype: str, prefix_caching: bool = True
    ) -> None:
        from transformers import AutoTokenizer

        from numina.engine.cache import ATTENTION, Prefixes

        self.network = load_model(model, dtype)
        self.network.set_attn_implementation(ATTENTION)
        self.prefixes = Prefixes()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(model)
        self.batch_size, self.prefix_caching = batch_size, prefix_caching
        self.waiting: asyncio.Queue[Row]

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
        import torch

        loop = asyncio.get_running_loop()
        row = Row(
            prompt=self.tokenizer(prompt)["input_ids"],
            sampling=sampling,
            generator=torch.Generator().manual_seed(sampling.seed),
            future=loop.create_future(),
            asked=loop.time(),
        )
        self.waiting.put_nowait(row)
        return await row.future

    async def _serve(self) -> None:
        clock = asyncio.get_running_loop().time
        batch = Batch(self)
        while True:
            joining = [] if batch.rows else [await self.waiting.get()]
            while len(batch.rows) + len(joining) < self.batch_size and not self.waiting.empty():
                joining.append(self.waiting.get_nowait())
            for row in joining:
                row.waited_s = clock() - row.asked
            try:
                for row in await asyncio.to_thread(batch.advance, joining):
                    if not row.future.done():
                        row.future.set_result(row.completion(self.tokenizer))
            except Exception as error:
                for row in {id(row): row for row in [*batch.rows, *joining]}.values():
                    if not row.future.done():
                        row.future.set_exception(error)
                batch = Batch(self)

    def read(self, rows: list[Row]) -> list[Any]:
        """The pasts of rows' prompts but for the last token of each, by which decoding begins.

        With prefix caching what is known of them is reused, and equal ones are read once.
        """
        import torch

        from numina.engine.cache import gather, take_row

        network = self.network
        nothing = torch.empty(network.config.num_hidden_layers, 2, 1, 0, 1, device=network.device)
        distinct: dict[tuple[int, ...], list[int]] = {}
        names = []
        for place, row in enumerate(rows):
            name = tuple(row.prompt[:-1]) if self.prefix_caching else (-1 - place,)
            names.append(name)
            row.cached_tokens = len(row.prompt) - 1 if name in distinct else 0
            distinct[name] = row.prompt[:-1]
        found = dict.fromkeys(distinct, nothing)
        if self.prefix_caching:
            for name, tokens in distinct.items():
                past = self.prefixes.longest(tokens)
                found[name] = nothing if past is None else past
            for row, name in zip(rows, names, strict=True):
                row.cached_tokens = max(row.cached_tokens, found[name].shape[-2])
        unread = [name for name, tokens in distinct.items() if len(tokens) > found[name].shape[-2]]
        if unread:
            pasts = [found[name] for name in unread]
            known = torch.tensor([past.shape[-2] for past in pasts], device=network.device)
            lengths = [len(distinct[name]) for name in unread]
            new = torch.tensor(lengths, device=network.device) - known
            cache = gather(network, pasts)
            before, width = cache.get_seq_length(), int(new.max())
            ids = torch.zeros(len(pasts), width, dtype=torch.long, device=network.device)
            for row, (name, past) in enumerate(zip(unread, pasts, strict=True)):
                fresh = distinct[name][past.shape[-2] :]
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
            for row, name in enumerate(unread):
                found[name] = take_row(cache, row, mask[row].bool())
                if self.prefix_caching:
                    self.prefixes.add(distinct[name], found[name])
        return [found[name] for name in names]


def right_aligned(lengths: Any, width: int) -> Any:
    """A mask (rows, width) of ones at the last `lengths` places of each row."""
    import torch

    places = torch.arange(width, device=lengths.device)
    return (places[None, :] >= width - lengths[:, None]).long()


def draw(logits: Any, rows: list[Row]) -> tuple[list[int], list[float]]:
    """One token a row, of logits (rows, vocabulary), and its log-probability at temperature 1."""
    import torch

    drawn = logits.argmax(-1)
    hot = [place for place, row in enumerate(rows) if row.sampling.temperature > 0]
    if hot:
        heat = torch.tensor([[rows[place].sampling.temperature] for place in hot])
        top_p = torch.tensor([[rows[place].sampling.top_p] for place in hot])
        uniform = torch.cat([torch.rand(1, generator=rows[place].generator) for place in hot])
        drawn[hot] = sample(torch.softmax(logits[hot] / heat, dim=-1), top_p, uniform)
    chosen = logits.gather(1, drawn[:, None])[:, 0] - logits.logsumexp(-1)
    return drawn.tolist(), chosen.tolist()


def sample(probabilities: Any, top_p: Any, uniform: Any) -> Any:
    """A token a row of `probabilities` (rows, vocabulary), by one uniform number each (rows)."""
    order = None
    if bool((top_p < 1).any()):
        probabilities, order = probabilities.sort(descending=True)
        outside = probabilities.cumsum(-1) - probabilities >= top_p
        probabilities = probabilities.masked_fill(outside, 0)
    total = probabilities.cumsum(-1)
    place = (total <= (uniform * total[:, -1])[:, None]).sum(-1, keepdim=True)
    place = place.clamp(max=total.shape[-1] - 1)
    return (place if order is None else order.gather(1, place))[:, 0]


@dataclass(slots=True, eq=False)
class Row:
    """One completion, from when it is asked for."""

    prompt: list[int]
    sampling: Sampling
    generator: Any
    future: asyncio.Future[Completion]
    asked: float
    waited_s: float = 0.0
    cached_tokens: int = 0
    tokens: list[int] = field(default_factory=list)
    logprob_sum: float = 0.0
    finish: Any = None

    def add(self, token: int, logprob: float, end: int, tokenizer: Any) -> None:
        self.tokens.append(token)
        self.logprob_sum += logprob
        if token == end:
            self.finish = "end"
        elif cut_at_stop(tokenizer.decode(self.tokens[-TAIL:]), self.sampling.stop) is not None:
            self.finish = "stop"
        elif len(self.tokens) >= self.sampling.max_new_tokens:
            self.finish = "length"

    def completion(self, tokenizer: Any) -> Completion:
        text = tokenizer.decode(self.tokens, skip_special_tokens=True)
        cut = cut_at_stop(text, self.sampling.stop)
        return Completion(
            text=text if cut is None else cut,
            finish=self.finish,
            prompt_tokens=len(self.prompt),
            generated_tokens=len(self.tokens),
            logprob_sum=self.logprob_sum,
            cached_tokens=self.cached_tokens,
            waited_s=self.waited_s,
        )


class Batch:
    """The rows that are being decoded; those that were given up leave at the next step."""

    def __init__(self, engine: TransformersEngine) -> None:
        from numina.engine.cache import Slots

        self.engine = engine
        self.slots = Slots(engine.network, engine.batch_size)
        self.rows: list[Row] = []

    def advance(self, joining: list[Row]) -> list[Row]:
        """Decode one token a row, those of `joining` too; the rows that are then complete."""
        import torch

        engine, end = self.engine, self.engine.tokenizer.eos_token_id
        with torch.inference_mode():
            for row in [row for row in self.rows if row.future.done()]:
                self.leave(row)
            joining = [row for row in joining if not row.future.done()]
            for row, past in zip(joining, engine.read(joining), strict=True):
                self.slots.join(past)
                self.rows.append(row)
            if not self.rows:
                return []
            last = [[(row.tokens or row.prompt)[-1]] for row in self.rows]
            tokens = torch.tensor(last, device=engine.network.device)
            logits = self.slots.step(engine.network, tokens)
            for row, token, logprob in zip(
                self.rows, *draw(logits.float().cpu(), self.rows), strict=True
            ):
                row.add(token, logprob, end, engine.tokenizer)
            done = [row for row in self.rows if row.finish]
            for row in done:
                if (
                    row.finish == "stop" and engine.prefix_caching
                ):  # its trace goes on once its program has run
                    past = self.slots.past(self.rows.index(row))
                    engine.prefixes.add(row.prompt + row.tokens[:-1], past)
                self.leave(row)
        return done

    def leave(self, row: Row) -> None:
        place = self.rows.index(row)
        self.slots.leave(place)
        last = self.rows.pop()
        if place < len(self.rows):
            self.rows[place] = last
