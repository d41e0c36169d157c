"""One session as its caller sees it: the clock, what is printed, and what is told of each block."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from numina.sandbox.zygote import SIZE
from numina.settings import Sandbox

if TYPE_CHECKING:
    from numina.sandbox.pool import Pool, Zygote

KEPT = 32 * 1024  # bytes of output kept at each end
REPLY = 256 * 1024  # bytes; an honest reply is far smaller


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one block.

    Attributes:
        status: ok, error (an exception), timeout, memory, output (too much), killed (it died, or
            broke the protocol).
        stdout: what it printed, with the middle left out where it is long.
        error_type, message, traceback: of the exception, with the block's own line numbers.
        truncated: whether something of stdout was left out.
        wall_s, cpu_s: seconds.
        max_rss_mb: the session's peak memory in MiB.
    """

    status: Literal["ok", "error", "timeout", "memory", "output", "killed"]
    stdout: str
    error_type: str | None
    message: str | None
    traceback: str | None
    truncated: bool
    wall_s: float
    cpu_s: float
    max_rss_mb: float

    def as_dict(self) -> dict[str, object]:
        """The record as plain JSON values."""
        return asdict(self)


def failure(status: Any, error_type: str, message: str, wall_s: float = 0.0) -> Result:
    """A result of a block that told none itself."""
    return Result(status, "", error_type, message, None, False, wall_s, 0.0, 0.0)


class Process:
    """One session's process, as the caller sees it."""

    def __init__(self, zygote: Zygote, number: int) -> None:
        self.zygote, self.number = zygote, number
        self.channel, self.theirs = socket.socketpair()
        self.channel.setblocking(False)
        self.output, self.output_theirs = os.pipe()
        os.set_blocking(self.output, False)
        self.buffer = bytearray()
        self.replies: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.printed = Output(0)
        loop = asyncio.get_running_loop()
        loop.add_reader(self.channel, self._on_channel)
        loop.add_reader(self.output, self._on_output)

    def handed_over(self) -> None:
        """Close the ends that the session has its own copies of."""
        self.theirs.close()
        os.close(self.output_theirs)

    def _on_channel(self) -> None:
        try:
            part = self.channel.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        self.buffer += part
        while len(self.buffer) >= SIZE.size:
            (size,) = SIZE.unpack_from(self.buffer)
            if size > REPLY:  # no reply of ours: the program wrote here
                part = b""
                break
            if len(self.buffer) < SIZE.size + size:
                break
            frame = bytes(self.buffer[SIZE.size : SIZE.size + size])
            del self.buffer[: SIZE.size + size]
            try:
                reply = json.loads(frame)
            except ValueError:
                reply = None
            self.replies.put_nowait(reply if isinstance(reply, dict) else None)
        if not part:
            asyncio.get_running_loop().remove_reader(self.channel)
            self.replies.put_nowait(None)

    def _on_output(self) -> None:
        if not self.printed.drain(self.output):
            asyncio.get_running_loop().remove_reader(self.output)
        if self.printed.overflowed:
            self.replies.put_nowait({"status": "output"})

    def is_alive(self) -> bool:
        """Whether it has neither ended nor said anything that was not asked for."""
        try:
            self.channel.recv(1, socket.MSG_PEEK)
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False

    def kill(self) -> None:
        self.zygote.order(b"K", self.number)
        self.close()

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.channel)
        loop.remove_reader(self.output)
        self.channel.close()
        os.close(self.output)


class Session:
    """One trace's interpreter. Made by `Pool.session`; its process starts with its first block."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.process: Process | None = None

    async def run(self, code: str | bytes) -> Result:
        """Run a block; never raises for what the block is or does."""
        if isinstance(code, bytes):
            try:
                code = code.decode()
            except UnicodeDecodeError as error:
                return failure("error", "UnicodeDecodeError", str(error))
        if self.pool.params.stateless:
            self.close()
        async with self.pool.slots:
            if self.process is not None:
                return await self._run(self.process, code)
            for _ in range(3):
                self.process = process = await self.pool.take(code)
                if process is None:
                    break
                result = await self._run(process, code)
                # No program can end the zygote: where it has, this session died of that alone.
                if result.status != "killed" or not await process.zygote.is_gone_soon():
                    return result
            return failure("killed", "SandboxError", "no process could be started")

    async def _run(self, process: Process, code: str) -> Result:
        loop = asyncio.get_running_loop()
        params, token = self.pool.params, secrets.token_hex(8)
        printed = process.printed = Output(params.output_mb * 2**20)
        frame = json.dumps({"code": code, "token": token}).encode()
        started = loop.time()
        try:
            async with asyncio.timeout(params.timeout_s):
                await loop.sock_sendall(process.channel, SIZE.pack(len(frame)) + frame)
                reply = await process.replies.get()
        except TimeoutError:
            reply = {"status": "timeout"}
        except OSError:
            reply = None
        wall = loop.time() - started
        printed.drain(process.output)
        result = read_reply(reply, token, printed, wall)
        if result is None or process.buffer or not process.replies.empty():
            lost = {"status": "output"} if printed.overflowed else reply or {}
            result = lost_result(str(lost.get("status")), printed, wall, params)
            self.close()
        return result

    def close(self) -> None:
        """Kill the session and all that belongs to it."""
        if self.process is not None:
            self.process.kill()
            self.process = None


def read_reply(
    reply: dict[str, Any] | None, token: str, printed: Output, wall: float
) -> Result | None:
    """A result from a session's reply; None where it is no honest reply to this request."""
    if reply is None or reply.pop("token", None) != token:
        return None
    with contextlib.suppress(TypeError, ValueError, KeyError):
        texts = {key: reply[key] for key in ("error_type", "message", "traceback")}
        good = all(text is None or isinstance(text, str) for text in texts.values())
        if good and reply["status"] in ("ok", "error", "memory"):
            return Result(
                status=reply["status"],
                stdout=printed.text(),
                **texts,
                truncated=printed.dropped > 0,
                wall_s=wall,
                cpu_s=float(reply["cpu_s"]),
                max_rss_mb=float(reply["max_rss_mb"]),
            )
    return None


def lost_result(status: str, printed: Output, wall: float, params: Sandbox) -> Result:
    """The result of a block whose session is lost."""
    reasons = {
        "timeout": ("TimeoutError", f"no result after {wall:.1f} seconds"),
        "output": ("OutputError", f"more than {params.output_mb} MB of output"),
    }
    if status not in reasons:
        status = "killed"
    error_type, message = reasons.get(status, ("SandboxError", "the process died"))
    return Result(
        status=status,  # pyright: ignore[reportArgumentType]
        stdout=printed.text(),
        error_type=error_type,
        message=message,
        traceback=None,
        truncated=printed.dropped > 0,
        wall_s=wall,
        cpu_s=0.0,
        max_rss_mb=0.0,
    )


class Output:
    """What a block prints: the head and the tail are kept, the middle is counted."""

    def __init__(self, limit: int) -> None:
        self.head, self.tail, self.dropped = bytearray(), bytearray(), 0
        self.limit, self.total = limit, 0

    @property
    def overflowed(self) -> bool:
        return self.total > self.limit

    def drain(self, descriptor: int) -> bool:
        """Take what is there, at most what the limit leaves; false at the end of the pipe."""
        with contextlib.suppress(BlockingIOError):
            while not self.overflowed:
                chunk = os.read(descriptor, 65536)
                if not chunk:
                    return False
                self.total += len(chunk)
                room = KEPT - len(self.head)
                self.head += chunk[:room]
                self.tail += chunk[room:]
                if len(self.tail) > 4 * KEPT:
                    self._trim()
        return True

    def _trim(self) -> None:
        excess = max(0, len(self.tail) - KEPT)
        del self.tail[:excess]
        self.dropped += excess

    def text(self) -> str:
        self._trim()
        middle = f"\n... {self.dropped} bytes left out ...\n".encode() if self.dropped else b""
        return (self.head + middle + self.tail).decode("utf-8", errors="replace")
