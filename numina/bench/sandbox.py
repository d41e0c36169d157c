"""Blocks a second: our sandbox, one process per block as in the notebook, and plain forked pools.

All of them run the same real programs, in turns, in one run. The baselines isolate nothing:
`PerProcess` starts a new Python for each block and its imports, as the winners' notebook does;
`ForkedPool` runs each block in its own fork, so that blocks do not see each other;
`ReusedWorkers` executes one block after another in the same processes, as ToRA's executor does
(microsoft/ToRA, src/utils/python_executor.py): any program can change what the next computes.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numina.bench import notebook
from numina.bench.traces import own_programs, read_traces
from numina.machine import CORES
from numina.progress import progress_bar
from numina.sandbox.pool import SandboxPool, run_in
from numina.settings.decoding import Sandbox
from numina.settings.hardware import SandboxHardware

Program = Sequence[str]


@dataclass
class BlockTimes:
    """The time of one way of running blocks.

    Attributes:
        blocks: how many were run.
        seconds: wall-clock, without the start.
        latencies: seconds per block.
        cold_start: seconds from the start to the first result.
    """

    blocks: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    cold_start: float = 0.0

    def summary(self) -> dict[str, float]:
        ordered = sorted(self.latencies)
        return {
            "blocks": self.blocks,
            "blocks_per_s": round(self.blocks / self.seconds, 1),
            "median_ms": round(1000 * statistics.median(ordered), 2),
            "p95_ms": round(1000 * ordered[int(0.95 * (len(ordered) - 1))], 2),
            "cold_start_s": round(self.cold_start, 2),
        }


def programs_to_run(path: Path | None) -> list[Program]:
    """The programs of recorded traces, a list a trace; without a file, the embedded families'.

    Raises:
        UserError: the file is missing, or a row is wrong.
    """
    if path is None:
        return own_programs()
    return [[program.code for program in trace] for trace in read_traces(path) if trace]


class Ours:
    """All layers on; one session per trace."""

    def __init__(self, params: Sandbox, hardware: SandboxHardware) -> None:
        self.runner = asyncio.Runner()
        self.pool = SandboxPool(params, hardware)
        self.runner.run(self.pool.__aenter__())

    def run(self, programs: Sequence[Program]) -> list[float]:
        done = self.runner.run(run_in(self.pool, programs))
        return [result.wall_s for results in done for result in results]

    def close(self) -> None:
        self.runner.run(self.pool.__aexit__())
        self.runner.close()


class PerProcess:
    """A new Python for each block, its imports before it and its last line printed."""

    def __init__(self, params: Sandbox, hardware: SandboxHardware) -> None:
        self.timeout_s = params.timeout_s
        self.threads = ThreadPoolExecutor(CORES)

    def run(self, programs: Sequence[Program]) -> list[float]:
        blocks = [code for blocks in programs for code in blocks]
        done = self.threads.map(notebook.execute, blocks, [self.timeout_s] * len(blocks))
        return [result.seconds for result in done]

    def close(self) -> None:
        self.threads.shutdown()


def execute(code: str) -> tuple[str, float]:
    """Execute a block in this process, in fresh globals, as a worker of the forked pool does."""
    started = time.monotonic()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(Exception):
        exec(code, {"__name__": "__main__"})
    return printed.getvalue(), time.monotonic() - started


class ForkedPool:
    """A fork of this process for each block."""

    tasks_a_worker: int | None = 1

    def __init__(self, params: Sandbox, hardware: SandboxHardware) -> None:
        import multiprocessing

        import sympy  # noqa: F401 (loaded here, so that no block pays for it)

        context = multiprocessing.get_context("fork")
        self.pool = context.Pool(CORES, maxtasksperchild=self.tasks_a_worker)

    def run(self, programs: Sequence[Program]) -> list[float]:
        blocks = [code for program in programs for code in program]
        return [seconds for _, seconds in self.pool.map(execute, blocks, chunksize=1)]

    def close(self) -> None:
        self.pool.terminate()
        self.pool.join()


class ReusedWorkers(ForkedPool):
    """Forks of this process that execute one block after another."""

    tasks_a_worker = None


def bench(
    params: Sandbox, hardware: SandboxHardware, path: Path | None, rounds: int = 3
) -> dict[str, Any]:
    """Run all of them in turns.

    Args:
        params, hardware: limits of our sandbox, and the wall-clock of `PerProcess`.
        path: recorded traces; None for the embedded families' programs.
        rounds: turns; the slow baseline gets a fixed sample of 10 blocks a core in each.
    """
    programs = programs_to_run(path)
    share = [programs[i::rounds] for i in range(rounds)]
    step = max(1, len(programs) // (10 * CORES))
    few = [programs[i::step][: 10 * CORES] for i in range(rounds)]
    ways: list[tuple[str, Callable[[Sandbox, SandboxHardware], Any], list[list[Program]]]] = [
        ("ours", Ours, share),
        ("per_process", PerProcess, few),
        ("forked_pool", ForkedPool, share),
        ("reused_workers", ReusedWorkers, share),
    ]
    measured = {name: BlockTimes() for name, *_ in ways}
    started = {}
    for name, way, _ in ways:
        begin = time.monotonic()
        started[name] = way(params, hardware)
        started[name].run([["import sympy\nprint(sympy.Integer(2) ** 5)"]])
        measured[name].cold_start = time.monotonic() - begin
    with progress_bar(rounds * len(ways), "turns") as bar:
        for turn in range(rounds):
            for name, _, work in ways:
                begin = time.monotonic()
                latencies = started[name].run(work[turn])
                measured[name].seconds += time.monotonic() - begin
                measured[name].latencies += latencies
                measured[name].blocks += len(latencies)
                bar.update()
    layers = started["ours"].pool.layers
    for way in started.values():
        way.close()
    found = {name: row.summary() for name, row in measured.items()}
    speed = {name: row["blocks_per_s"] for name, row in found.items()}
    return {
        **found,
        "isolation": layers,
        "ratios": {
            "per_process": round(speed["ours"] / speed["per_process"], 1),
            "forked_pool": round(speed["ours"] / speed["forked_pool"], 2),
            "reused_workers": round(speed["ours"] / speed["reused_workers"], 2),
            "median_ms": found["ours"]["median_ms"],
        },
    }


def soak(
    params: Sandbox, hardware: SandboxHardware, blocks: int = 100_000, a_session: int = 20
) -> dict[str, Any]:
    """Run many blocks over many sessions; count what is in use before, halfway and after.

    Processes are those of this user's sandbox; descriptors and memory are those of the caller and
    the zygote. The first tenth warms up.
    """
    code = "x = [i * i for i in range(100)]\nprint(sum(x))"
    held: list[dict[str, int]] = []

    async def use() -> None:
        slots = asyncio.Semaphore(2 * CORES)
        async with SandboxPool(params, hardware) as pool:

            async def one() -> None:
                async with slots, pool.session() as session:
                    for _ in range(a_session):
                        result = await session.run(code)
                        assert result.stdout == "328350\n", result
                bar.update(a_session)

            sessions = blocks // a_session
            with progress_bar(blocks, "blocks") as bar:
                for number in (sessions // 10, sessions * 4 // 10, sessions // 2):
                    await asyncio.gather(*[one() for _ in range(number)])
                    await asyncio.sleep(1.5)  # the zygote reaps once a second
                    held.append(holdings(pool.zygotes["plain"].process.pid))

    started = time.monotonic()
    asyncio.run(use())
    return {
        "blocks": blocks,
        "blocks_per_s": round(blocks / (time.monotonic() - started), 1),
        "after_a_tenth": held[0],
        "after_half": held[1],
        "after_all": held[2],
    }


def holdings(zygote: int) -> dict[str, int]:
    """Processes, descriptors and resident KiB of this process and the sandbox's own."""
    family = [os.getpid()]
    for pid in family:
        tasks = Path(f"/proc/{pid}/task/{pid}/children")
        family += [int(child) for child in tasks.read_text().split()] if tasks.exists() else []
    inner = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
    own = [str(os.getpid()), str(zygote), *inner]
    return {
        "processes": len(family),
        "descriptors": sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in own),
        "resident_kib": sum(resident_kib(pid) for pid in own),
    }


def resident_kib(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])
