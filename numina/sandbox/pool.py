"""Run a model's Python in processes of their own, with limits.

What this stops today: a program that runs too long, takes too much memory, prints without end,
writes big files, dies, or breaks its own interpreter; and, where the kernel allows user
namespaces, any use of the network. What it does not stop yet: reading the user's files, writing
where the user may write, and processes that leave their process group. So run only models that
you trust that far.

A session belongs to one trace and its blocks share their names. The caller keeps the wall clock
and drains what programs print; a session that overruns is killed as a process group.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from numina.settings import Sandbox

KEPT = 32 * 1024  # bytes of output kept at each end
START_S = 120.0  # the zygote imports sympy, on a slow disk too


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one block.

    Attributes:
        status: ok, error (an exception), timeout, memory, output (too much), killed.
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


class Session:
    """One trace's interpreter. Made by `Pool.session`."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.pid: int | None = None

    async def start(self) -> None:
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        self.folder = tempfile.mkdtemp(dir=self.pool.folder)
        limits = json.dumps(
            {"memory_mb": self.pool.params.memory_mb, "folder": self.folder}
        ).encode()
        socket.send_fds(self.pool.control, [limits], [theirs.fileno(), write_end])
        theirs.close()
        os.close(write_end)
        self.output = read_end
        self.reader, self.writer = await asyncio.open_connection(sock=ours, limit=2**24)
        self.pid = json.loads(await asyncio.wait_for(self.reader.readline(), START_S))["pid"]

    async def run(self, code: str) -> Result:
        """Run a block; never raises for what the block does."""
        loop = asyncio.get_running_loop()
        if self.pid is None:
            await self.start()
        output = Output()
        started = loop.time()
        loop.add_reader(self.output, output.drain, self.output)
        try:
            self.writer.write(json.dumps({"code": code}).encode() + b"\n")
            await self.writer.drain()
            line = await asyncio.wait_for(self.reader.readline(), self.pool.params.timeout_s)
            reply: dict[str, Any] | None = json.loads(line) if line else None
        except TimeoutError:
            reply = {"status": "timeout"}
        except (ConnectionError, ValueError):
            reply = None
        finally:
            loop.remove_reader(self.output)
        output.drain(self.output)
        wall = loop.time() - started
        if reply is None or reply["status"] == "timeout":
            self.close()
            return Result(
                status="killed" if reply is None else "timeout",
                stdout=output.text(),
                error_type="TimeoutError" if reply else None,
                message=f"no result after {wall:.1f} seconds" if reply else "the process died",
                traceback=None,
                truncated=output.dropped > 0,
                wall_s=wall,
                cpu_s=0.0,
                max_rss_mb=0.0,
            )
        return Result(stdout=output.text(), truncated=output.dropped > 0, **reply)

    def close(self) -> None:
        """Kill the session and all that is left in its process group."""
        if self.pid is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.writer.close()
        os.close(self.output)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.pid = None


class Output:
    """What a block prints: the head and the tail are kept, the middle is counted."""

    def __init__(self) -> None:
        self.head, self.tail, self.dropped = bytearray(), bytearray(), 0

    def drain(self, descriptor: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(descriptor, 65536):
                room = KEPT - len(self.head)
                self.head += chunk[:room]
                self.tail += chunk[room:] if room >= 0 else chunk
                if len(self.tail) > 4 * KEPT:
                    self._trim()

    def _trim(self) -> None:
        excess = max(0, len(self.tail) - KEPT)
        del self.tail[:excess]
        self.dropped += excess

    def text(self) -> str:
        self._trim()
        middle = f"\n... {self.dropped} bytes left out ...\n".encode() if self.dropped else b""
        return (self.head + middle + self.tail).decode("utf-8", errors="replace")


class Pool:
    """A warm zygote and the sessions forked from it. Use it as an async context manager."""

    def __init__(self, params: Sandbox) -> None:
        self.params = params

    async def __aenter__(self) -> Pool:
        self.folder = tempfile.mkdtemp(prefix="numina-")
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.zygote = subprocess.Popen(
            [
                sys.executable,
                "-I",
                str(Path(__file__).with_name("zygote.py")),
                str(theirs.fileno()),
            ],
            pass_fds=[theirs.fileno()],
            env={"OPENBLAS_NUM_THREADS": "1", "NUMINA_ISOLATE": "1" if can_unshare() else "0"},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.control.settimeout(START_S)
        if await asyncio.to_thread(self.control.recv, 16) != b"ready":
            raise RuntimeError(f"the sandbox did not start (exit status {self.zygote.wait()})")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.control.close()  # the zygote ends, and its sessions with it
        try:
            await asyncio.to_thread(self.zygote.wait, 5)
        except subprocess.TimeoutExpired:
            self.zygote.kill()
            self.zygote.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A fresh interpreter, killed on leaving."""
        session = Session(self)
        try:
            yield session
        finally:
            session.close()


def can_unshare() -> bool:
    """Whether this kernel gives an unprivileged process namespaces of its own."""
    probe = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x58000000) != 0)"
    if sys.platform != "linux":
        return False
    return subprocess.run([sys.executable, "-I", "-c", probe], check=False).returncode == 0


async def run_all(params: Sandbox, programs: Sequence[Sequence[str]]) -> list[list[Result]]:
    """Run the blocks of many programs, each program in a session of its own, side by side."""
    slots = asyncio.Semaphore(os.cpu_count() or 2)

    async def run_one(pool: Pool, blocks: Sequence[str]) -> list[Result]:
        async with slots, pool.session() as session:
            return [await session.run(code) for code in blocks]

    async with Pool(params) as pool:
        return await asyncio.gather(*[run_one(pool, blocks) for blocks in programs])
