"""Ask OpenAI-compatible servers for completions: one, or many that share the load.

To decode on other machines, run `vllm serve MODEL` on each node and list their URLs. The work of a
server that fails is repeated on the others, so traces are lost only if all of them stay down.

Determinism: under load vLLM is not deterministic, whatever the seed, so every trace is kept. With
`hardware.server.seeds` each request carries its seed, for servers whose results do not depend on
other requests (vLLM with VLLM_BATCH_INVARIANT=1, SGLang with --enable-deterministic-inference):
then the same seeds give the same traces; without seeds such an SGLang gives the same trace each
time. On other servers a seed guarantees nothing, and on a GPU it disables vLLM's fast sampler.

A prompt is sent as text. If the model's tokenizer appends tokens to a text, such as an end token,
the server would append them too, and the model would have nothing to continue: then a prompt is
sent as token ids without them, which vLLM, SGLang and llama.cpp accept.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from numina.engine.balance import Balancer
from numina.engine.interrupt import interruptible
from numina.engine.protocol import Completion, CompletionFailed, Sampling, refuse_too_long
from numina.engine.remote import Remote, body_of
from numina.engine.reply import completion_of
from numina.errors import UserError
from numina.models.folder import check_tokenizer
from numina.models.weights import load_tokenizer
from numina.settings.decoding import EngineParams
from numina.settings.hardware import ServerHardware
from numina.template import tokens_of

CANARY = ("1 + 1 =", Sampling(temperature=0, top_p=1, max_new_tokens=1, stop=(), seed=0))


class ServerEngine:
    """An engine on servers. Use it as an async context manager.

    Args:
        model: the model's folder, with its tokenizer, to count tokens. Servers must have a model
            of that name, unless `hardware.served_model` says how it is called there.
        params: only `batch_size` is used: requests in flight per server.
        hardware: where the servers are, and how long to wait for them.
        max_context: tokens of the longest prompt and its completion.

    Raises:
        UserError: the folder has no tokenizer; on entering, no server answers, or all
            have other models.
    """

    def __init__(
        self, model: Path, params: EngineParams, hardware: ServerHardware, max_context: int
    ) -> None:
        check_tokenizer(model)
        self.folder, self.params, self.hardware = model, params, hardware
        self.max_context = max_context

    async def __aenter__(self) -> ServerEngine:
        with interruptible():
            self.tokenizer: Any = load_tokenizer(self.folder)
        self.appends = appends_tokens(self.tokenizer)
        given = self.hardware
        key = os.environ.get(given.key_variable, "") if given.key_variable else ""
        named = given.served_model or self.folder
        async with AsyncExitStack() as opened:
            remotes = []
            for url in given.urls:
                remotes.append(Remote(url, key, named, given.timeout_s))
                opened.push_async_callback(remotes[-1].close)
            self.balancer = Balancer(
                remotes, self.params.batch_size, given, lambda remote: self.ask(remote, *CANARY)
            )
            try:
                await self.balancer.do(Remote.named_model)
            except CompletionFailed as error:
                raise UserError(f"hardware.server.urls: {error}") from None
            self.opened = opened.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.opened.aclose()

    def count_tokens(self, text: str) -> int:
        return len(tokens_of(self.tokenizer, text)[0])

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        refuse_too_long(prompt, self.max_context)
        clock = asyncio.get_running_loop().time
        asked = clock()
        async with self.balancer.places:
            waited = clock() - asked
            return await self.balancer.do(lambda remote: self.ask(remote, prompt, sampling, waited))

    async def ask(
        self, remote: Remote, prompt: str, sampling: Sampling, waited_s: float = 0.0
    ) -> Completion:
        """Send a request to one server.

        Raises:
            ServerFailed: its reply is not a completion.
        """
        sent = tokens_of(self.tokenizer, prompt)[0] if self.appends else prompt
        reply = await remote.complete(body_of(sent, sampling, self.hardware.seeds))
        return completion_of(remote.url, reply, prompt, sampling, waited_s, self.count_tokens)


def appends_tokens(tokenizer: Any) -> bool:
    """Whether a tokenizer appends tokens to a text, such as an end token."""
    return len(tokens_of(tokenizer, "1")[0]) < len(tokenizer("1")["input_ids"])
