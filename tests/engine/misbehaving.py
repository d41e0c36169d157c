"""Real HTTP servers on loopback that do as they are told: reply, trickle, hang, break off."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What to reply: after `delay` seconds, a piece of the body every `trickle` seconds.

    With `cut` the connection breaks off after that many bytes of the body.
    """

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    trickle: float = 0.0
    cut: int | None = None

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """A request as it came, and when in the event loop's time."""

    path: str
    headers: dict[str, str]
    body: Any
    at: float


def completion(**choice: Any) -> dict[str, Any]:
    """The body of a good reply, with some fields of its choice changed."""
    given = {"text": "4", "finish_reason": "stop", "stop_reason": None} | choice
    kept = {key: value for key, value in given.items() if value != "absent"}
    return {"choices": [kept], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


GOOD = Reply(completion())


class Told:
    """A server that replies by a list, and then by its last word; or by what it is asked.

    Attributes:
        asked: the requests for completions.
        left: how many of them ended because the client closed the connection.
    """

    def __init__(
        self,
        *replies: Reply,
        last: Reply = GOOD,
        by: Callable[[Asked], Reply] | None = None,
        models: Any = None,
    ) -> None:
        self.replies, self.last, self.by = list(replies), last, by
        self.models = Reply({"data": [{"id": "m"}]} if models is None else models)
        self.asked: list[Asked] = []
        self.in_flight = self.most = self.left = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {key.lower(): value for key, value in pairs}
            content = await reader.readexactly(int(headers.get("content-length", 0)))
            path, now = head[0].split()[1], asyncio.get_running_loop().time()
            asked = Asked(path, headers, json.loads(content or b"null"), now)
            reply = self.models
            if path.endswith("/completions"):
                self.asked.append(asked)
                reply = self.by(asked) if self.by else self.last
                if self.replies:
                    reply = self.replies.pop(0)
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            try:
                await self.send(reply, reader, writer)
            finally:
                self.in_flight -= 1
        writer.close()

    async def send(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if reply.delay:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(reply.delay):
                    await reader.read(1)  # returns where the client closes
                    self.left += 1
                    return
        content = reply.content()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        head = "".join(f"{k}: {v}\r\n" for k, v in (headers | reply.headers).items())
        writer.write(f"HTTP/1.1 {reply.status} x\r\n{head}Connection: close\r\n\r\n".encode())
        if reply.cut is not None:
            content = content[: reply.cut]
        step = 1 if reply.trickle else max(1, len(content))
        for start in range(0, len(content), step):
            writer.write(content[start : start + step])
            await writer.drain()
            await asyncio.sleep(reply.trickle)


@contextlib.asynccontextmanager
async def serving(*servers: Told) -> AsyncIterator[list[str]]:
    """The base URLs of servers for as long as the context lasts."""
    async with contextlib.AsyncExitStack() as opened:
        urls = []
        for told in servers:
            server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
            opened.callback(server.close)
            urls.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        yield urls
