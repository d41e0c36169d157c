"""Run a model's Python in processes of their own, isolated in layers.

What this stops, where all layers are on (`numina doctor` lists them): a program that runs too long,
takes too much memory or disk, prints without end, dies, or breaks its own interpreter; any use of
the network; any reading of files but Python's own libraries; any writing but in a folder of its own
that goes with it; starting processes, programs and threads; signals to others; and outliving its
session, whatever becomes of the caller.

What it does not stop: a hole in the kernel; side channels such as timing and caches; a program that
slows others down by using its core; and a program that lies about itself. A block's status,
exception and CPU time are told by the interpreter that the program shares, so it can forge those of
its own session, as it can print what it likes; never the clock or the results of another.

A session belongs to one trace and its blocks share their names. The caller keeps the wall clock and
drains what programs print.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import json
import os
import re
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from numina.settings import Sandbox, UserError

KEPT = 32 * 1024  # bytes of output kept at each end
REPLY = 256 * 1024  # bytes; an honest reply is far smaller
PROGRAM = ["-m", "numina.sandbox.zygote"]
NUMERIC = re.compile(r"\b(sympy|numpy|mpmath|scipy|pandas)\b")
NUMERIC_PRELOAD = ["mpmath", "numpy", "numpy.linalg", "numpy.random", "sympy"]
START_S = 120.0  # the zygote imports sympy, on a slow disk too
ORDER = struct.Struct("<cI")  # as in numina.sandbox.zygote
SIZE = struct.Struct("<I")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


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
            if self.process is None:
                self.process = await self.pool.take(code)
            if self.process is None:
                return failure("killed", "SandboxError", "no process could be started")
            return await self._run(self.process, code)

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


class Zygote:
    """A warm interpreter that sessions are forked from, started anew when it dies.

    Args:
        params: the limits of its sessions.
        preload: modules that it imports beside the standard ones.
        ahead: sessions kept started before they are asked for.
    """

    def __init__(self, params: Sandbox, preload: Sequence[str], ahead: int) -> None:
        self.params, self.preload, self.ahead = params, preload, ahead
        self.numbers = itertools.count()
        self.spares: collections.deque[Process] = collections.deque()
        self.layers: dict[str, bool] = {}
        self.launch()

    def launch(self) -> None:
        """Start the process; it is ready once `greet` returns."""
        self.folder = tempfile.mkdtemp(prefix="numina-")
        os.mkdir(os.path.join(self.folder, "root"))
        self.control, theirs = socket.socketpair()
        limits = {
            name: getattr(self.params, name)
            for name in ("memory_mb", "cpu_s", "file_mb", "open_files")
        }
        options = {"folder": self.folder, "limits": limits, "preload": self.preload}
        self.process = subprocess.Popen(
            [sys.executable, "-sP", *PROGRAM, str(theirs.fileno()), json.dumps(options)],
            pass_fds=[theirs.fileno()],
            env={
                "PYTHONPATH": str(Path(__file__).parents[2]),  # this very numina
                "PYTHONHASHSEED": "0",  # sets print alike each time
                "OPENBLAS_NUM_THREADS": "1",  # no fork survives threads
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.control.settimeout(START_S)

    def greet(self) -> None:
        """Wait until it is ready.

        Raises:
            RuntimeError: it has died.
        """
        line = self.control.makefile("rb").readline()
        if not line:
            raise RuntimeError(f"the sandbox did not start (exit status {self.process.wait()})")
        self.layers = json.loads(line)

    def stop(self) -> None:
        """End it, and its sessions with it."""
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget_spares(self) -> None:
        for process in self.spares:
            process.close()
        self.spares.clear()

    def order(self, action: bytes, number: int, descriptors: Sequence[int] = ()) -> None:
        """Send an order; where it is gone, its sessions are too, and `take` starts it anew."""
        with contextlib.suppress(OSError):
            socket.send_fds(self.control, [ORDER.pack(action, number)], descriptors)

    def spawn(self) -> Process:
        number = next(self.numbers)
        process = Process(self, number)
        self.order(b"S", number, [process.theirs.fileno(), process.output_theirs])
        process.handed_over()
        return process

    async def take(self) -> Process | None:
        """A session's process that has started; None where none will start."""
        for _ in range(3):
            if self.process.poll() is not None:
                self.forget_spares()
                await asyncio.to_thread(self.stop)
                self.launch()
                self.layers = {}
            if not self.layers:
                await asyncio.to_thread(self.greet)
            process = self.spares.popleft() if self.spares else self.spawn()
            while len(self.spares) < self.ahead:
                self.spares.append(self.spawn())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_S):
                    if await process.replies.get() == {"ready": True} and process.replies.empty():
                        return process
            process.kill()
            await asyncio.sleep(0.05)
        return None


class Pool:
    """Warm zygotes and the sessions forked from them. Use it as an async context manager.

    There are two: a fork costs in proportion to what is loaded, so programs that name no numeric
    library are forked from one without any. A session that comes to need one later imports it.

    Args:
        params: the limits.
        ahead: sessions kept started before they are asked for.

    Attributes:
        layers: the isolation layers by name, whether each is on; known once entered.

    Raises:
        UserError: on entering, where nothing stops the network or writes, unless
            `params.allow_unisolated`.
    """

    def __init__(self, params: Sandbox, ahead: int = 2 * CORES) -> None:
        self.params, self.ahead = params, ahead
        self.layers: dict[str, bool] = {}

    async def __aenter__(self) -> Pool:
        self.slots = asyncio.Semaphore(CORES + 1)  # one may be between fork and block
        self.taking = {"plain": asyncio.Lock(), "numeric": asyncio.Lock()}
        self.zygotes = {
            "plain": Zygote(self.params, [], self.ahead),
            "numeric": Zygote(self.params, NUMERIC_PRELOAD, self.ahead),
        }
        try:
            await asyncio.to_thread(self.zygotes["plain"].greet)
            self.layers = self.zygotes["plain"].layers
            refuse_unisolated(self.layers, self.params)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for zygote in self.zygotes.values():
            zygote.forget_spares()
            await asyncio.to_thread(zygote.stop)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A fresh interpreter, killed on leaving."""
        session = Session(self)
        try:
            yield session
        finally:
            session.close()

    async def take(self, code: str) -> Process | None:
        """A process for a session that begins with `code`; None where none will start."""
        kind = "numeric" if NUMERIC.search(code) else "plain"
        async with self.taking[kind]:
            return await self.zygotes[kind].take()


def refuse_unisolated(layers: dict[str, bool], params: Sandbox) -> None:
    """Insist on layers that stop the network and writes.

    Raises:
        UserError: one is missing, and `params.allow_unisolated` is false.
    """
    stops = {
        "the network": ("network_namespace", "seccomp"),
        "writes to your files": ("mount_namespace", "landlock"),
    }
    for what, names in stops.items():
        if not params.allow_unisolated and not any(layers[name] for name in names):
            raise UserError(
                f"sandbox: this machine has no layer that keeps programs from {what} "
                f"({' or '.join(names)}). sandbox.allow_unisolated: true runs them all the same"
            )


async def run_all(
    params: Sandbox,
    programs: Sequence[Sequence[str | bytes]],
    on_program: Callable[[], object] = lambda: None,
) -> list[list[Result]]:
    """Run the blocks of many programs, each program in a session of its own, side by side."""
    open_sessions = asyncio.Semaphore(2 * CORES)

    async def run_one(pool: Pool, blocks: Sequence[str | bytes]) -> list[Result]:
        async with open_sessions, pool.session() as session:
            results = [await session.run(code) for code in blocks]
        on_program()
        return results

    async with Pool(params) as pool:
        return await asyncio.gather(*[run_one(pool, blocks) for blocks in programs])


def run_programs(
    params: Sandbox,
    programs: Sequence[Sequence[str | bytes]],
    on_program: Callable[[], object] = lambda: None,
) -> list[list[Result]]:
    """`run_all` for scripts: waits for all of them."""
    return asyncio.run(run_all(params, programs, on_program))
