"""Decode with transformers: waiting requests join the running batch at its next step.

The decoding loop is ours because rows join and leave at any step, while `generate` computes all of
them until the longest ends, and because prefixes are kept (see `numina.engine.cache`).

Each row has its own random generator, so its samples do not depend on its neighbours, apart from
rounding: with another number of rows, sums differ in their last bits, which can change a draw close
to a border. Apart from that, the same seeds give the same traces.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from numina.engine.draw import draw
from numina.engine.interrupt import interruptible
from numina.engine.protocol import Completion, CompletionFailed, Sampling, refuse_too_long
from numina.engine.row import Row, in_words
from numina.errors import UserError
from numina.models.folder import check_model_folder
from numina.models.weights import load_model, load_tokenizer
from numina.settings.decoding import EngineParams
from numina.settings.hardware import TransformersHardware
from numina.template import tokens_of
from numina.terminal import say

# Reading the prompts of new rows takes a pass over all weights, however few they are. So rows wait
# until there are this many for each row of the batch, or for this many steps.
SHARE, STEPS = 1 / 8, 4
PROBES = (5, 9)  # lengths in tokens of the texts that compare the cache with the model itself


class TransformersEngine:
    """An engine on one CPU or GPU. Use it as an async context manager.

    Args:
        model: a folder with a model and its tokenizer, GPTQ or plain.
        params: `batch_size`, `dtype` and `prefix_caching` are used.
        hardware: how much memory is kept for shared prefixes.
        max_context: tokens of the longest prompt and its completion.

    Attributes:
        decoded: all tokens so far, also those of completions that were cancelled.

    Raises:
        UserError: the folder has no model or no tokenizer, they do not load, or this engine does
            not compute the model's attention.
    """

    def __init__(
        self, model: Path, params: EngineParams, hardware: TransformersHardware, max_context: int
    ) -> None:
        self.model, self.max_context = model, max_context
        self.batch_size, self.prefix_caching = params.batch_size, params.prefix_caching
        check_model_folder(model)  # before transformers is imported, which takes a while
        with interruptible():
            self.tokenizer: Any = load_tokenizer(model)
            self.network = load_model(model, params.dtype)
            self.ends = end_tokens(self.network, self.tokenizer)
            self.embeddings = self.network.get_input_embeddings().num_embeddings
            from numina.engine.cache import Prefixes

            self.prefixes = Prefixes(hardware.cache_mb * 1e6)
            self.adopt(packed=True)
            self.prefixes.clear()
        self.places, self.decoded = self.batch_size, 0
        self.waiting: asyncio.Queue[Row]

    def adopt(self, packed: bool) -> None:
        """Give the model our attention, cache and layers, and check that they suit it.

        Args:
            packed: pack its weights, which can then not be trained any more.

        Raises:
            UserError: they do not, with what they do not compute.
        """
        import torch

        from numina.engine.attention import ATTENTION, check_layers, check_logits
        from numina.engine.cache import Slots
        from numina.engine.packed import pack_linears

        name = getattr(self.network.config, "model_type", "?")
        texts = [[(7 * i + 3) % self.embeddings for i in range(size)] for size in PROBES]
        try:
            check_layers(self.network.config, self.max_context)
            with torch.inference_mode():
                given = [torch.tensor([ids], device=self.network.device) for ids in texts]
                own = [self.network(input_ids=ids, use_cache=False).logits[0, -1] for ids in given]
                self.network.set_attn_implementation(ATTENTION)
                if packed:
                    pack_linears(self.network)
                slots = Slots(self.network, len(texts))
                for past in self.read([Row(prompt=ids) for ids in texts]):
                    slots.join(past)
                last = torch.tensor([ids[-1:] for ids in texts], device=self.network.device)
                ours = slots.step(self.network, last)
                check_logits(ours, torch.stack(own))
        except UserError as error:
            raise UserError(f"{self.model}: {name}: {error}") from None
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise UserError(
                f"{self.model}: engine transformers cannot decode {name} ({reason}); "
                "use engine.name=vllm or server"
            ) from error

    async def __aenter__(self) -> TransformersEngine:
        self.waiting = asyncio.Queue()
        self.worker = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.worker.cancel()
        await asyncio.gather(self.worker, return_exceptions=True)

    def count_tokens(self, text: str) -> int:
        return len(tokens_of(self.tokenizer, text)[0])

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        refuse_too_long(prompt, self.max_context)
        tokens, _ = tokens_of(self.tokenizer, prompt)
        if not tokens:
            raise CompletionFailed("the prompt is empty")
        if max(tokens) >= self.embeddings:
            raise CompletionFailed(
                f"token {max(tokens)} of the prompt is beyond the model's {self.embeddings}"
            )
        import torch

        row = Row(tokens, sampling, torch.Generator().manual_seed(sampling.seed))
        loop = asyncio.get_running_loop()
        row.future, row.asked = loop.create_future(), loop.time()
        self.waiting.put_nowait(row)
        return await row.future

    async def _serve(self) -> None:
        clock = asyncio.get_running_loop().time
        batch, again, steps = Batch(self, self.places), [], 0
        while True:
            room, joining, steps = self.places - len(batch.rows), [], steps + 1
            ready = min(room, len(again) + self.waiting.qsize())
            if ready >= len(batch.rows) * SHARE or (ready and steps > STEPS):
                joining, again, steps = again[:room], again[room:], 0
                if not batch.rows and not joining:
                    joining = [await self.waiting.get()]
                    joining[0].waited_s = clock() - joining[0].asked
                while len(joining) < room and not self.waiting.empty():
                    joining.append(self.waiting.get_nowait())
                    joining[-1].waited_s = clock() - joining[-1].asked
            try:
                done = await asyncio.to_thread(batch.advance, joining)
            except Exception as error:
                rows = list({id(row): row for row in [*batch.rows, *joining]}.values())
                del batch  # to free its memory
                done = await asyncio.to_thread(self.part, rows, in_words(error))
                batch = Batch(self, self.places)
                again += [row for row in rows if not row.finish]
            for row in done:
                if not row.is_given_up:
                    row.settle(self.tokenizer)

    def part(self, rows: list[Row], reason: str) -> list[Row]:
        """Advance rows of a failed batch one by one, by one token; return those that ended.

        A row that also fails alone ends. If none does, the batch was too large: later ones are
        smaller. If even a row of one token fails, the engine is broken, and all rows end.
        """
        self.prefixes.clear()  # they may have taken the memory
        failed = False
        for row in rows:
            if row.finish or row.is_given_up:
                row.finish = row.finish or "end"
                continue
            try:
                Batch(self, 1).advance([row])
            except Exception as error:
                failed, row.finish, row.error = True, "end", CompletionFailed(in_words(error))
        if not failed and len(rows) > 1:
            self.places = max(1, min(self.places, len(rows)) // 2)
            say(f"engine: {reason}; {self.places} rows at once from now on")
        if failed:
            try:
                Batch(self, 1).advance([Row(prompt=[min(self.ends, default=0)])])
            except Exception as error:
                for row in rows:
                    row.finish = "end"
                    row.error = UserError(f"{self.model}: decoding fails: {in_words(error)}")
        return [row for row in rows if row.finish]

    def read(self, rows: list[Row]) -> list[Any]:
        """The pasts of rows' prompts except the last token of each, where decoding begins.

        With prefix caching known prefixes are reused, and equal prompts are read once.
        """
        import torch

        from numina.engine.cache import gather, take_row

        network = self.network
        nothing = torch.empty(network.config.num_hidden_layers, 2, 1, 0, 1, device=network.device)
        distinct: dict[tuple[int, ...], list[int]] = {}
        names = []
        for place, row in enumerate(rows):
            known = (row.prompt + row.tokens)[:-1]
            name = tuple(known) if self.prefix_caching else (-1 - place,)
            names.append(name)
            row.cached_tokens = len(known) if name in distinct else 0
            distinct[name] = known
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


def end_tokens(network: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a completion: those of the generation config and of the tokenizer."""
    given = getattr(network.generation_config, "eos_token_id", None)
    ends = [*(given if isinstance(given, list | tuple) else [given]), tokenizer.eos_token_id]
    return frozenset(end for end in ends if end is not None)


class Batch:
    """The rows that are being decoded; cancelled ones leave at the next step."""

    def __init__(self, engine: TransformersEngine, most: int) -> None:
        from numina.engine.cache import Slots

        self.engine = engine
        self.slots = Slots(engine.network, most)
        self.rows: list[Row] = []

    def advance(self, joining: list[Row]) -> list[Row]:
        """Decode one token per row, including `joining`; return the rows that are complete."""
        import torch

        engine = self.engine
        with torch.inference_mode():
            for row in [row for row in self.rows if row.is_given_up]:
                self.leave(row)
            joining = [row for row in joining if not row.is_given_up]
            for row, past in zip(joining, engine.read(joining), strict=True):
                self.slots.join(past)
                self.rows.append(row)
            if not self.rows:
                return []
            last = [[(row.tokens or row.prompt)[-1]] for row in self.rows]
            tokens = torch.tensor(last, device=engine.network.device)
            logits = self.slots.step(engine.network, tokens)
            engine.decoded += len(self.rows)
            for row, token, logprob in zip(
                self.rows, *draw(logits.float(), self.rows), strict=True
            ):
                row.add(token, logprob, engine.ends, engine.tokenizer)
            done = [row for row in self.rows if row.finish]
            for row in done:
                if (
                    row.finish == "stop" and engine.prefix_caching
                ):  # its trace continues after its program
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
