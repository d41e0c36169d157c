"""Solve in several processes of this machine: problems are shared out, and one journal is kept.

Each process has an engine and sandboxes of its own, with its share of the cores, of the cards and
of the memory for programs. The first process decodes nothing: it writes the journal, and a trace's
vote counts in the process that decoded it only once the trace is on disk. A problem is solved by
one process as it would be by one alone, so with the same traces the verdicts are the same.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal, NamedTuple

from numina import entry
from numina.agent.trace import Event
from numina.errors import UserError
from numina.machine import accelerators
from numina.records.trace import Trace, Verdict
from numina.sandbox.budget import SHARE, memory
from numina.sctir.clock import Clock
from numina.sctir.jobs import Job, Outcome, solve_jobs
from numina.sctir.journal import Journal
from numina.settings import Params

GRACE_S = 15.0  # for a process to end when it is told to
CARDS = "CUDA_VISIBLE_DEVICES"


class Told(NamedTuple):
    """What a process tells the first one."""

    kind: Literal["event", "trace", "verdict", "layers", "error"]
    content: Any


class Away:
    """The journal, as a process sees it that does not hold the file.

    Args:
        first: the connection to the process that holds it.
        finished: the traces on file.
    """

    def __init__(self, first: Connection, finished: dict[tuple[str, int], list[Trace]]) -> None:
        self.first, self.finished = first, finished

    def of(self, problem_id: str, seed: int) -> list[Trace]:
        return self.finished.get((problem_id, seed), [])

    def add(self, trace: Trace) -> None:
        """Have a finished trace put on disk, and wait until it is there."""
        self.first.send(Told("trace", trace))
        self.first.recv()


def solve_in_processes(
    params: Params,
    model: Path,
    jobs: Sequence[Job],
    count: int,
    journal: Journal,
    watch: Callable[[Event], object],
    solved: Callable[[Job], object],
) -> Outcome:
    """Solve jobs in `count` processes.

    Args:
        params, model, jobs, watch, solved: as for `numina.sctir.jobs.solve_jobs`.
        count: of processes, at most the number of jobs.
        journal: is written here alone.

    Raises:
        UserError: what one of them raises, or one of them ended; the traces that were finished are
            in the journal.
    """
    verdicts: dict[int, Verdict] = {}
    layers: dict[str, bool] = {}
    with started(params, model, jobs, count, journal) as working:
        while working:
            for connection in wait(list(working)):
                assert isinstance(connection, Connection)
                place, process = working[connection]
                try:
                    told: Told = connection.recv()
                except (EOFError, OSError):
                    process.join(GRACE_S)
                    raise UserError(lost(place, count, process.exitcode)) from None
                if told.kind == "event":
                    watch(told.content)
                elif told.kind == "trace":
                    journal.add(told.content)
                    with suppress(OSError):  # it ended meanwhile; the trace is kept
                        connection.send(None)
                elif told.kind == "verdict":
                    number, verdict = told.content
                    verdicts[place + number * count] = verdict
                    solved(jobs[place + number * count])
                elif told.kind == "error":
                    raise UserError(told.content)
                else:
                    layers = told.content
                    del working[connection]
    return Outcome([verdicts[place] for place in range(len(jobs))], layers)


def lost(place: int, count: int, status: int | None) -> str:
    """What is said of a process that ended before its work was done."""
    how = f"with status {status}"
    if status is not None and status < 0:
        how = f"by {signal.Signals(-status).name}"
    return (
        f"process {place + 1} of {count} (hardware.solvers) ended {how}; the traces that were "
        "finished are kept: run it again to continue"
    )


Working = dict[Connection, tuple[int, Any]]  # the processes and their places


@contextmanager
def started(
    params: Params, model: Path, jobs: Sequence[Job], count: int, journal: Journal
) -> Iterator[Working]:
    """Processes that solve every `count`th job, ended when the context is left."""
    spawn = multiprocessing.get_context("spawn")
    shared, cards = share_of(params, count), visible_cards()
    working: Working = {}
    processes = []
    try:
        for place in range(count):
            own = jobs[place::count]
            kept = {(job.problem.id, job.seed): journal.of(job.problem.id, job.seed) for job in own}
            here, there = ends(spawn.Pipe())
            process = spawn.Process(target=work, args=(there, shared, model, own, kept))
            with inherited(place, count, cards):
                process.start()
            there.close()
            processes.append(process)
            working[here] = (place, process)
        yield working
    finally:
        for process in processes:
            process.terminate()
        end = time.monotonic() + GRACE_S
        for process in processes:
            process.join(max(0.0, end - time.monotonic()))
            process.kill()
            process.join()


def ends(pipe: Any) -> tuple[Connection, Connection]:
    """The two ends of a pipe; the type checker also thinks of other systems."""
    return pipe


def share_of(params: Params, count: int) -> Params:
    """The settings of one of `count` processes: with its share of what all of them use."""
    hardware, engine = params.hardware, params.engine
    all_mb = hardware.sandbox.all_memory_mb or memory() // SHARE // 2**20
    sandbox = hardware.sandbox.model_copy(update={"all_memory_mb": max(1, all_mb // count)})
    if engine.name == "server":  # requests in flight for each server
        engine = engine.model_copy(update={"batch_size": -(-engine.batch_size // count)})
    changes = {"hardware": hardware.model_copy(update={"sandbox": sandbox}), "engine": engine}
    return params.model_copy(update=changes)


def visible_cards() -> list[str]:
    """The cards that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    given = os.environ.get(CARDS)
    if given is not None:
        return [card for card in given.split(",") if card]
    return [str(number) for number in range(len(accelerators()))]


def share(items: Sequence[Any], place: int, count: int) -> list[Any]:
    """The items of the process at `place` of `count`; all of them if there are too few to share."""
    each = len(items) // count
    return list(items[place * each : (place + 1) * each] if each else items)


@contextmanager
def inherited(place: int, count: int, cards: list[str]) -> Iterator[None]:
    """Have a process that is started meanwhile inherit its share of the cores and cards."""
    before, cores = os.environ.get(CARDS), os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, share(sorted(cores), place, count))
        if cards:
            os.environ[CARDS] = ",".join(share(cards, place, count))
        yield
    finally:
        os.sched_setaffinity(0, cores)
        if before is None:
            os.environ.pop(CARDS, None)
        else:
            os.environ[CARDS] = before


def work(
    first: Connection,
    params: Params,
    model: Path,
    jobs: Sequence[Job],
    finished: dict[tuple[str, int], list[Trace]],
) -> None:
    """What each process does: solve its jobs, and tell the first one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first one ends this one
    signal.signal(signal.SIGTERM, entry.interrupt)
    threading.Thread(target=end_with_parent, daemon=True).start()

    def watch(event: Event) -> None:
        if event.kind in ("start", "end"):
            first.send(Told("event", event))

    def solved(place: int, verdict: Verdict) -> None:
        first.send(Told("verdict", (place, verdict)))

    clock = Clock(params.time_bank, len(jobs), time.monotonic)
    with suppress(KeyboardInterrupt, BrokenPipeError):  # the first one ended, or ends this one
        try:
            journal = Away(first, finished)
            outcome = asyncio.run(solve_jobs(params, model, jobs, journal, watch, solved, clock))
            first.send(Told("layers", outcome.layers))
        except UserError as error:
            first.send(Told("error", str(error)))


def end_with_parent() -> None:
    """End this process when the one that started it ends, however it ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(entry.INTERRUPTED)
