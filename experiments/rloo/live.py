"""The engine over a model that is being trained, and a record of who wrote which token."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from numina.engine.protocol import Completion, Sampling
from numina.engine.row import Row
from numina.engine.transformers import TransformersEngine, end_tokens
from numina.settings.decoding import EngineParams
from numina.settings.hardware import TransformersHardware
from numina.template import tokens_of


class LiveEngine(TransformersEngine):
    """`TransformersEngine` over a model in memory, for as long as its weights stay as they are.

    On exit the model computes its attention as before, and is in training mode again if it was.

    Args:
        network: a causal language model.
        tokenizer: of the model.
        params, hardware, max_context: as for `TransformersEngine`.

    Raises:
        UserError: this engine does not compute the model's attention.
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        params: EngineParams,
        hardware: TransformersHardware,
        max_context: int,
    ) -> None:
        from numina.engine.cache import Prefixes

        self.model, self.max_context = Path("the policy"), max_context
        self.batch_size, self.prefix_caching = params.batch_size, params.prefix_caching
        self.network, self.tokenizer = network, tokenizer
        self.ends = end_tokens(network, tokenizer)
        self.embeddings = network.get_input_embeddings().num_embeddings
        self.prefixes = Prefixes(hardware.cache_mb * 1e6)
        self.before = network.config._attn_implementation, network.training
        network.eval()
        self.adopt(packed=False)
        self.prefixes.clear()
        self.places, self.decoded = self.batch_size, 0

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        kernel, training = self.before
        self.network.set_attn_implementation(kernel)
        self.network.train(training)

    async def continued(
        self, tokens: list[int], sampling: Sampling
    ) -> tuple[list[int], Completion]:
        """Continue token ids; return the ids that were sampled, the end token included, too.

        Raises:
            CompletionFailed: they cannot be continued.
        """
        import torch

        row = Row(tokens, sampling, torch.Generator().manual_seed(sampling.seed))
        loop = asyncio.get_running_loop()
        row.future, row.asked = loop.create_future(), loop.time()
        self.waiting.put_nowait(row)
        completion = await row.future
        return row.tokens, completion


@dataclass(slots=True)
class Recorder:
    """The engine of one trace, which keeps the trace's tokens.

    The model goes on from the very tokens that it sampled, and they are what is learned from. Were
    the text tokenised again, as for evaluation, some samples would be made of other tokens.

    Attributes:
        engine: decodes.
        prompt: ids of the prompt.
        completion: ids of all that follows: what the model sampled, and what programs printed.
        written: for each of them, 1 if the model sampled it, 0 if a program printed it.
        text: the prompt and the text so far.
    """

    engine: LiveEngine
    prompt: list[int] = field(default_factory=list)
    completion: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    text: str = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def count_tokens(self, text: str) -> int:
        return self.engine.count_tokens(text)

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        if not self.prompt:
            self.prompt, _ = tokens_of(self.engine.tokenizer, prompt)
        else:
            printed = prompt.removeprefix(self.text)
            added = self.engine.tokenizer(printed, add_special_tokens=False)["input_ids"]
            self.completion += added
            self.written += [0] * len(added)
        sampled, completion = await self.engine.continued(self.prompt + self.completion, sampling)
        self.completion += sampled
        self.written += [1] * len(sampled)
        self.text = prompt + completion.text
        return completion
