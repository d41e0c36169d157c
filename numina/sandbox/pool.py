"""Run a model's Python in processes of their own, isolated in layers.

What this stops, where all layers are on (`numina doctor` lists them): a program that runs too long,
takes too much memory or disk, prints without end, dies, or breaks its own interpreter; any use of
the network; any reading of files but Python's own libraries; any writing but in a folder of its own
that goes with it; modes, owners and times of files; starting processes, programs and threads;
signals to others; and outliving its session, whatever becomes of the caller. SECURITY.md says what
is lost where there are no user namespaces.

What it does not stop: a hole in the kernel; side channels such as timing and caches; a program that
slows others down by using its core; and a program that lies about itself. A block's status,
exception and CPU time are told by the interpreter that the program shares, so it can forge those of
its own session, as it can print what it likes; never the clock or the results of another.

A session belongs to one trace and its blocks share their names. The caller keeps the wall clock and
drains what programs print.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence

from numina.errors import UserError
from numina.machine import CORES
from numina.sandbox.budget import Budget
from numina.sandbox.jail.isolation import allow_descriptors
from numina.sandbox.process import Process
from numina.sandbox.result import Result
from numina.sandbox.session import Session
from numina.sandbox.zygotes import Zygote
from numina.settings.decoding import Sandbox
from numina.settings.hardware import SandboxHardware

# What the zygotes import, and the words in a program that has its session forked from each.
PRELOADS = {
    "plain": [],
    "numeric": ["mpmath", "numpy", "numpy.linalg", "numpy.random", "sympy"],
    "scientific": ["scipy.integrate", "scipy.optimize", "scipy.special", "scipy.stats", "pandas"],
}
PRELOADS["scientific"] = [*PRELOADS["numeric"], *PRELOADS["scientific"], "matplotlib.pyplot"]
WORDS = {
    "scientific": re.compile(r"\b(scipy|pandas|matplotlib|seaborn)\b"),
    "numeric": re.compile(r"\b(sympy|numpy|mpmath)\b"),
}


class SandboxPool:
    """Warm zygotes and the sessions forked from them. Use it as an async context manager.

    There are several: a fork costs in proportion to what is loaded, so programs that name no
    numeric library are forked from one without any, and those that name a large one from a zygote
    that is not started before. A session that comes to need a library later imports it.

    Args:
        params: the limits.
        hardware: what the machine gives.
        ahead: sessions kept started before they are asked for.

    Attributes:
        layers: the isolation layers by name, whether each is on; known once entered.

    Raises:
        UserError: on entering, where nothing stops the network or writes, unless
            `hardware.allow_unisolated`.
    """

    def __init__(self, params: Sandbox, hardware: SandboxHardware, ahead: int = 2 * CORES) -> None:
        self.params, self.hardware, self.ahead = params, hardware, ahead
        self.layers: dict[str, bool] = {}

    async def __aenter__(self) -> SandboxPool:
        allow_descriptors()
        self.slots = asyncio.Semaphore(CORES + 1)  # one may be between fork and block
        self.taking = {kind: asyncio.Lock() for kind in PRELOADS}
        self.zygotes = {kind: self.zygote(kind) for kind in ("plain", "numeric")}
        self.budget = Budget(self.hardware.all_memory_mb, self.params.memory_mb)
        self.keeping = asyncio.create_task(self.budget.keep())
        try:
            await self.zygotes["plain"].ready()
            self.layers = self.zygotes["plain"].layers
            refuse_unisolated(self.layers, self.hardware)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.keeping.cancel()
        for zygote in self.zygotes.values():
            await zygote.close()

    def open(self, seed: int = 0) -> Session:
        """A fresh interpreter, which the caller closes; see `session`."""
        return Session(self.params, self.slots, self.take, seed)

    @contextlib.asynccontextmanager
    async def session(self, seed: int = 0) -> AsyncIterator[Session]:
        """A fresh interpreter, killed on leaving.

        Args:
            seed: of `random` and of numpy's global generator in it.
        """
        session = self.open(seed)
        try:
            yield session
        finally:
            session.close()

    def zygote(self, kind: str) -> Zygote:
        return Zygote(self.params, self.hardware, PRELOADS[kind], self.ahead)

    async def take(self, code: str) -> Process | None:
        """A process for a session that begins with `code`; None where none will start."""
        kind = next((kind for kind, word in WORDS.items() if word.search(code)), "plain")
        async with self.taking[kind]:
            if kind not in self.zygotes:
                self.zygotes[kind] = self.zygote(kind)
            process = await self.zygotes[kind].take()
        if process is not None:
            self.budget.add(process)
        return process


def refuse_unisolated(layers: dict[str, bool], hardware: SandboxHardware) -> None:
    """Insist on layers that stop the network and writes.

    Raises:
        UserError: one is missing, and `hardware.allow_unisolated` is false.
    """
    stops = {
        # A network namespace has no say over sockets that are files.
        "the network": [["seccomp"], ["network_namespace", "mount_namespace"]],
        # Landlock has no say over the modes and times of files.
        "writes to your files": [["mount_namespace"], ["landlock", "seccomp"]],
    }
    for what, ways in stops.items():
        on = any(all(layers[name] for name in way) for way in ways)
        if not on and not hardware.allow_unisolated:
            needed = ", or ".join(" with ".join(way) for way in ways)
            raise UserError(
                f"sandbox: this machine has no layer that keeps programs from {what} ({needed}). "
                "hardware.sandbox.allow_unisolated: true runs them all the same"
            )


async def run_in(
    pool: SandboxPool,
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
    hardware: SandboxHardware,
    programs: Sequence[Sequence[str | bytes]],
    on_program: Callable[[], object] = lambda: None,
) -> list[list[Result]]:
    """`run_in` a pool of their own."""
    async with SandboxPool(params, hardware) as pool:
        return await run_in(pool, programs, on_program)


def run_programs(
    params: Sandbox,
    hardware: SandboxHardware,
    programs: Sequence[Sequence[str | bytes]],
    on_program: Callable[[], object] = lambda: None,
) -> list[list[Result]]:
    """`run_all` for scripts: waits for all of them."""
    return asyncio.run(run_all(params, hardware, programs, on_program))
