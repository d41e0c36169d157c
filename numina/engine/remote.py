"""Send requests to one OpenAI-compatible server, without parameters that it refuses.

Every parameter that affects sampling is sent, so that a server's defaults (for example those of a
model's generation_config.json) do not apply. Some are not OpenAI's: vLLM, SGLang and llama.cpp
know them, and if a server refuses one by name, later requests leave it out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from numina.engine.failure import ServerFailed, from_status
from numina.engine.protocol import Sampling
from numina.engine.reply import parsed, served_name
from numina.terminal import say

CONNECT_S = 10.0
REQUIRED = ("prompt", "messages", "max_tokens")
# Parameters that a server may refuse, with equivalent values to try in turn.
OPTIONAL: dict[str, tuple[Any, ...]] = {
    "top_k": (0,),
    "min_p": (),
    "repetition_penalty": (),
    "repeat_penalty": (),
    "presence_penalty": (),
    "frequency_penalty": (),
    "include_stop_str_in_output": (),
    "skip_special_tokens": (),
    "ignore_eos": (),
    "min_tokens": (),
    "seed": (),
    "logprobs": (1,),
}
# A chat's parameter that some servers refuse, and the one that they then ask for.
RENAMED = {"max_tokens": "max_completion_tokens"}
Before = Callable[[], Awaitable[object]]
Prompt = str | list[int] | list[dict[str, str]]


def body_of(prompt: Prompt, sampling: Sampling, seeds: bool) -> dict[str, Any]:
    """A request for a completion, without the model's name.

    Args:
        prompt: the prompt to continue, as text or as token ids; or the messages of a chat.
        sampling: how to decode.
        seeds: whether to send the seed.
    """
    is_chat = isinstance(prompt, list) and any(isinstance(part, dict) for part in prompt)
    body = {
        "messages" if is_chat else "prompt": prompt,
        "max_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stop": list(sampling.stop),
        "logprobs": 0,
        "include_stop_str_in_output": True,  # vLLM only; others leave the stop string out
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "top_k": -1,  # all tokens: vLLM, SGLang and llama.cpp agree on -1, not on 0
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "repeat_penalty": 1.0,  # llama.cpp's name for repetition_penalty
        "skip_special_tokens": not sampling.special,
        "ignore_eos": False,
        "min_tokens": 0,
    }
    if is_chat:
        del body["logprobs"]  # true or false there
    return body | ({"seed": sampling.seed} if seeds and sampling.temperature > 0 else {})


class Remote:
    """One server. Close it after use.

    Args:
        url: its base URL.
        key: sent as the bearer token; "" for none.
        model: the model's name there; or its folder, which the server's name for it ends like.
        timeout_s: for a complete reply, even if it keeps arriving slowly.
        optional: parameters that may be left out, with equivalent values to try before.
    """

    def __init__(
        self,
        url: str,
        key: str,
        model: str | Path,
        timeout_s: float,
        optional: Mapping[str, tuple[Any, ...]] = OPTIONAL,
    ) -> None:
        import openai

        self.url, self.model, self.timeout_s = url.rstrip("/"), model, timeout_s
        self.optional = optional
        self.instead: dict[str, list[Any]] = {}
        self.headers = {} if key else {"Authorization": openai.omit}
        self.client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=key or "none",
            max_retries=0,  # the balancer decides on retries
            timeout=openai.Timeout(None, connect=CONNECT_S),
            # The proxy of the environment is for the internet, not for local servers.
            http_client=openai.DefaultAsyncHttpxClient(trust_env=self.url.startswith("https://")),
        )

    async def close(self) -> None:
        await self.client.close()

    async def named_model(self) -> str:
        """The model's name, requested once.

        Raises:
            ServerFailed: the server does not give it, or has another model.
        """
        model = self.model
        if isinstance(model, Path):
            reply = await self.send(self.client.models.with_raw_response.list)
            model = self.model = served_name(self.url, reply, model)
        return model

    async def complete(self, body: dict[str, Any], before: Before | None = None) -> dict[str, Any]:
        """Send a request without the values that the server refuses by name; return the reply.

        Args:
            body: the request.
            before: awaited before each time that it is sent.

        Raises:
            ServerFailed: there is no valid reply.
        """
        model = await self.named_model()
        chat, plain = self.client.chat.completions, self.client.completions
        while True:
            if before is not None:
                await before()
            sent = self.adapted(body)
            required = {key: sent.pop(key) for key in REQUIRED if key in sent}
            try:
                return await self.send(
                    (chat if "messages" in body else plain).with_raw_response.create,
                    model=model,
                    **required,
                    extra_body=sent,
                )
            except ServerFailed as error:
                named = self.refused(sent | required, error)
                if not named:
                    raise
                for key in named:
                    self.give_way(key, (sent | required)[key])

    def refused(self, sent: dict[str, Any], error: ServerFailed) -> list[str]:
        """The parameters that a server refuses by name and that can be left out or renamed."""
        if error.kind != "refused":
            return []
        if "messages" in sent:
            for key, other in RENAMED.items():
                if key in sent and is_named(key, error) and is_named(other, error):
                    return [key]
        return [key for key in self.optional if key in sent and is_named(key, error)]

    def adapted(self, body: dict[str, Any]) -> dict[str, Any]:
        """A request with only parameters that this server has not refused."""
        kept = dict(body)
        for key, values in self.instead.items():
            if key in kept and key in RENAMED:
                kept[RENAMED[key]] = kept.pop(key)
            elif key in kept:
                kept |= {key: values[0]} if values else {}
                if not values:
                    del kept[key]
        return kept

    def give_way(self, key: str, value: Any) -> None:
        """Record that the server refuses a value of an optional key."""
        if key in RENAMED:
            self.instead[key] = []
            return
        left = self.instead.setdefault(key, [value, *self.optional[key]])
        if left and left[0] == value:  # else another request has already recorded it
            del left[0]
            if not left:
                say(f"engine: {self.url} refuses {key}: its own default applies")

    async def send(self, ask: Any, **arguments: Any) -> dict[str, Any]:
        """Send one request by a method of the client; return the JSON object in the reply.

        Raises:
            ServerFailed: the reply is something else, or does not come within `timeout_s`.
        """
        import openai

        try:
            async with asyncio.timeout(self.timeout_s):
                raw = await ask(**arguments, extra_headers=self.headers)
            return parsed(self.url, raw.http_response.content)
        except openai.APIStatusError as error:
            response = error.response
            text = response.content[:4000].decode(errors="replace")
            raise from_status(self.url, error.status_code, response.headers, text) from None
        except openai.APITimeoutError:
            message = f"{self.url}: no connection within {CONNECT_S:g} s"
            raise ServerFailed(message, "busy") from None
        except TimeoutError:
            message = f"{self.url}: no complete reply within {self.timeout_s:g} s"
            raise ServerFailed(message, "fault") from None
        except (openai.OpenAIError, OSError, ValueError) as error:
            reason = error.__cause__ or error
            message = f"{self.url}: {type(reason).__name__} {reason}".rstrip()
            raise ServerFailed(message, "busy") from None


def is_named(key: str, error: ServerFailed) -> bool:
    """Whether a server's message names a parameter."""
    return re.search(rf"\b{key}\b", error.told) is not None
