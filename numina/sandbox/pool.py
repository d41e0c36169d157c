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
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from numina.sandbox.session import Process, Result, Session
from numina.sandbox.zygote import ORDER
from numina.settings import Sandbox, UserError

PROGRAM = ["-m", "numina.sandbox.zygote"]
NUMERIC = re.compile(r"\b(sympy|numpy|mpmath|scipy|pandas)\b")
NUMERIC_PRELOAD = ["mpmath", "numpy", "numpy.linalg", "numpy.random", "sympy"]
START_S = 120.0  # the zygote imports sympy, on a slow disk too
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


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

    def is_gone(self) -> bool:
        """Whether it has ended: after its greeting, its control socket has only its end to read."""
        watch = select.poll()
        watch.register(self.control, select.POLLIN)
        return bool(self.layers) and bool(watch.poll(0))

    async def is_gone_soon(self) -> bool:
        """The same, after a session has died: it may have died of this a moment earlier."""
        for _ in range(4):
            if self.is_gone():
                return True
            await asyncio.sleep(0.05)
        return False

    def spawn(self) -> Process:
        number = next(self.numbers)
        process = Process(self, number)
        self.order(b"S", number, [process.theirs.fileno(), process.output_theirs])
        process.handed_over()
        return process

    async def take(self) -> Process | None:
        """A session's process that has started; None where none will start."""
        for _ in range(3):
            if self.is_gone():
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
                    if await process.replies.get() == {"ready": True} and process.is_alive():
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


async def run_in(
    pool: Pool,
    programs: Sequence[Sequence[str | bytes]],
    on_program: Callable[[], object] = lambda: None,
) -> list[list[Result]]:
    """Run the blocks of many programs, each program in a session of its own, side by side."""
    open_sessions = asyncio.Semaphore(2 * CORES)

    async def run_one(blocks: Sequence[str | bytes]) -> list[Result]:
        async with open_sessions, pool.session() as session:
            results = [await session.run(code) for code in blocks]
        on_program()
        return results

    return await asyncio.gather(*[run_one(blocks) for blocks in programs])


async def run_all(
    params: Sandbox,
    programs: Sequence[Sequence[str | bytes]],
    on_program: Callable[[], object] = lambda: None,
) -> list[list[Result]]:
    """`run_in` a pool of their own."""
    async with Pool(params) as pool:
        return await run_in(pool, programs, on_program)


def run_programs(
    params: Sandbox,
    programs: Sequence[Sequence[str | bytes]],
    on_program: Callable[[], object] = lambda: None,
) -> list[list[Result]]:
    """`run_all` for scripts: waits for all of them."""
    return asyncio.run(run_all(params, programs, on_program))
