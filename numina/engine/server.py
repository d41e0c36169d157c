"""Ask OpenAI-compatible servers for completions: one, or many that share the load.

So decoding leaves this machine: `vllm serve MODEL` on each node, their URLs here. A server that
fails is left alone for a while and its work is done anew on the others, so traces are lost only
where all of them stay down.

Determinism: the seed is sent along, and what it promises is up to the server. Under load vLLM
promises nothing, so every trace is kept.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from numina.engine.protocol import Completion, Sampling, cut_at_stop
from numina.errors import UserError
from numina.settings.decoding import EngineParams
from numina.settings.hardware import ServerHardware
from numina.terminal import say

BUSY = {408, 409, 425, 429, 500, 502, 503, 504}  # may go well another time
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0


@dataclass(slots=True, eq=False)
class Server:
    """One server, and how it does.

    Attributes:
        url: its base URL, without a slash at the end.
        in_flight: requests that it has now.
        failures: in a row.
        back_at: when it may be asked again, in the event loop's time.
    """

    url: str
    in_flight: int = 0
    failures: int = 0
    back_at: float = 0.0


class Failed(Exception):
    """A server did not answer as it should, which may go well elsewhere or later."""


class ServerEngine:
    """An engine elsewhere. Use it as an async context manager.

    Args:
        model: a folder with the model's tokenizer, to count tokens.
        params: `batch_size` is used: requests in flight, for each server.
        hardware: where the servers are, and how long to wait for them.

    Raises:
        UserError: the folder has no tokenizer; on entering, no server answers.
    """

    def __init__(self, model: Path, params: EngineParams, hardware: ServerHardware) -> None:
        if not (model / "tokenizer_config.json").exists():
            raise UserError(f"{model}: no tokenizer_config.json there, to count tokens with")
        self.folder, self.params, self.hardware = model, params, hardware
        self.servers = [Server(url.rstrip("/")) for url in hardware.urls]

    async def __aenter__(self) -> ServerEngine:
        from transformers import AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(self.folder)
        key = os.environ.get(self.hardware.key_variable, "") if self.hardware.key_variable else ""
        self.places = asyncio.Semaphore(self.params.batch_size * len(self.servers))
        self.http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=aiohttp.ClientTimeout(total=self.hardware.timeout_s, connect=10),
            connector=aiohttp.TCPConnector(limit=0),
        )
        try:
            self.model = self.hardware.served_model or await self.first_model()
        except BaseException:
            await self.http.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    def count_tokens(self, text: str) -> int:
        return len(self.tokenizer(text)["input_ids"])

    async def first_model(self) -> str:
        """The name of the first model that is served."""
        listed = await self.ask("GET", "/models", None)
        return listed["data"][0]["id"]

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        asked = asyncio.get_running_loop().time()
        body = {
            "model": self.model,
            "prompt": prompt,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_new_tokens,
            "stop": list(sampling.stop),
            "seed": sampling.seed,
            "logprobs": 0,
            "include_stop_str_in_output": True,  # vLLM's; others leave the stop string out
        }
        async with self.places:
            waited = asyncio.get_running_loop().time() - asked
            answer = await self.ask("POST", "/completions", body)
        return completion_of(answer, sampling, waited, self.count_tokens)

    async def ask(self, method: str, path: str, body: Any) -> Any:
        """One request, to whichever server can answer it.

        Raises:
            UserError: the request itself is refused, or no server answers for `patience_s`.
        """
        clock = asyncio.get_running_loop().time
        failing_since: float | None = None
        while True:
            server = self.choose(clock())
            server.in_flight += 1
            try:
                answer = await self.send(server, method, path, body)
                server.failures = 0
                return answer
            except Failed as error:
                failing_since = failing_since or clock()
                self.note_failure(server, clock(), error)
                if all(s.failures for s in self.servers) and (
                    clock() - failing_since > self.hardware.patience_s
                ):
                    raise UserError(
                        f"hardware.server.urls: no server answers; last, {error}"
                    ) from None
            finally:
                server.in_flight -= 1
            await asyncio.sleep(max(0.0, self.choose(clock()).back_at - clock()))

    def choose(self, now: float) -> Server:
        """The server with the least to do, among those that are up, else the next to be tried."""
        return min(self.servers, key=lambda s: (max(0.0, s.back_at - now), s.in_flight))

    def note_failure(self, server: Server, now: float, error: Failed) -> None:
        """Leave a server alone for a while, longer each time."""
        if server.back_at <= now:  # requests that fail together count once
            server.failures += 1
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (server.failures - 1))
            server.back_at = now + pause * random.uniform(0.75, 1.25)
            if server.failures in (1, 5):
                say(f"engine: {error}; its work goes on elsewhere or later")

    async def send(self, server: Server, method: str, path: str, body: Any) -> Any:
        """One request to one server.

        Raises:
            Failed: it may go well elsewhere or later.
            UserError: it would not.
        """
        try:
            async with self.http.request(method, server.url + path, json=body) as response:
                if response.status in BUSY:
                    raise Failed(f"{server.url}: status {response.status}")
                if response.status >= 400:
                    text = " ".join((await response.text()).split())[:300]
                    raise UserError(f"{server.url}{path}: status {response.status}: {text}")
                return await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Failed(f"{server.url}: {type(error).__name__} {error}".rstrip()) from None


def completion_of(answer: Any, sampling: Sampling, waited: float, count: Any) -> Completion:
    """A completion from the JSON of a server.

    Raises:
        UserError: it left the stop string out and does not say which it was, so that a stop cannot
            be told from the end. vLLM's servers keep it, and SGLang's name it.
    """
    choice, usage = answer["choices"][0], answer.get("usage") or {}
    text, finish = choice["text"], "length"
    if choice.get("finish_reason") == "stop":
        named = {"stop_reason", "matched_stop"} & choice.keys()
        reason = choice[min(named)] if named else None
        if not named and sampling.stop and cut_at_stop(text, sampling.stop) is None:
            raise UserError(
                "hardware.server.urls: the server neither keeps stop strings "
                "(include_stop_str_in_output) nor says which one it met (stop_reason); serve the model with vLLM or SGLang"
            )
        if isinstance(reason, str) and cut_at_stop(text, sampling.stop) is None:
            text += reason
        finish = "end" if cut_at_stop(text, sampling.stop) is None else "stop"
    details = usage.get("prompt_tokens_details") or {}
    logprobs = (choice.get("logprobs") or {}).get("token_logprobs") or []
    return Completion(
        text=text,
        finish=finish,
        prompt_tokens=usage.get("prompt_tokens", 0),
        generated_tokens=usage.get("completion_tokens") or count(text),
        logprob_sum=float(sum(value for value in logprobs if value is not None)),
        cached_tokens=details.get("cached_tokens") or 0,
        waited_s=waited,
    )
