"""Decode in several processes of this machine: problems are shared out, and the first one listens.

Each process has an engine and sandboxes of its own, with its share of the cores, of the cards and
of the memory. The first process decodes nothing.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal, NamedTuple

from numina import entry, terminal
from numina.engine.choose import chosen
from numina.errors import UserError
from numina.machine import CORES, accelerators
from numina.sandbox.budget import SHARE, memory
from numina.settings import Params

GRACE_S = 15.0  # for a process to end when it is told to
CARDS = "CUDA_VISIBLE_DEVICES"

# On a CPU a single process leaves cores idle: for the votes of the default it used 1.4 of two (AMD
# EPYC). They took 382 s with one process, and 262 to 283 s with two.
ON_A_CPU = 2
# What each of them takes there, in bytes: with libraries, keys and values, and for each byte of the
# checkpoint, whose integers become floats.
A_PROCESS, A_BYTE = 5e9, 4


class Told(NamedTuple):
    """What a process sends the first one."""

    kind: Literal["shown", "said", "asked", "returned", "failed"]
    content: Any


class First:
    """The first process, as the others see it."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.sending = connection, threading.Lock()

    def send(self, told: Told) -> None:
        with self.sending:  # the engine's thread shows lines, too
            self.connection.send(told)

    def show(self, text: str) -> None:
        """Show a line there, once for all processes."""
        self.send(Told("shown", text))

    def tell(self, content: Any) -> None:
        """Have `heard` called there."""
        self.send(Told("said", content))

    def ask(self, content: Any) -> None:
        """Have `heard` called there, and wait until it has returned."""
        self.send(Told("asked", content))
        self.connection.recv()


Task = Callable[[Params, First], Coroutine[Any, Any, Any]]  # can be pickled


def count_processes(params: Params, model: Path, jobs: int) -> int:
    """How many processes decode: `hardware.solvers`, or what suits this machine if that is 0.

    Args:
        params: the sections engine and hardware.
        model: a folder with a model.
        jobs: what there is to share out.
    """
    count = params.hardware.solvers
    if not count and chosen(params.engine) == "transformers" and not visible_cards():
        stored = sum(file.stat().st_size for file in model.glob("*"))
        count = min(ON_A_CPU, CORES, int(memory() / (A_PROCESS + A_BYTE * stored)))
    return max(1, min(count, jobs))


def run_in_processes(
    params: Params, tasks: Sequence[Task], heard: Callable[[Any], object], if_lost: str
) -> list[Any]:
    """Run each task in a process of its own, and return what they return, in their order.

    Args:
        params: the settings, of which each task gets its share.
        tasks: coroutine functions of those settings and of the first process.
        heard: is called here with what they tell.
        if_lost: what is said if a process ends before its task does.

    Raises:
        UserError: what one of them raises, or one of them ended.
    """
    returned: dict[int, Any] = {}
    shown: set[str] = set()
    with started(params, tasks) as working:
        while working:
            for connection in wait(list(working)):
                assert isinstance(connection, Connection)
                place, process = working[connection]
                try:
                    told: Told = connection.recv()
                except (EOFError, OSError):
                    process.join(GRACE_S)
                    how = lost(place, len(tasks), process.exitcode)
                    raise UserError(f"{how}; {if_lost}") from None
                if told.kind == "failed":
                    raise UserError(told.content)
                if told.kind == "returned":
                    returned[place] = told.content
                    del working[connection]
                elif told.kind == "shown":
                    if told.content not in shown:
                        terminal.say(told.content)
                    shown.add(told.content)
                else:
                    heard(told.content)
                if told.kind == "asked":
                    with suppress(OSError):  # it ended meanwhile
                        connection.send(None)
    return [returned[place] for place in range(len(tasks))]


def lost(place: int, count: int, status: int | None) -> str:
    """What is said of a process that ended before its work was done."""
    how = f"with status {status}"
    if status is not None and status < 0:
        how = f"by {signal.Signals(-status).name}"
    return f"process {place + 1} of {count} (hardware.solvers) ended {how}"


Working = dict[Connection, tuple[int, Any]]  # the processes and their places


@contextmanager
def started(params: Params, tasks: Sequence[Task]) -> Iterator[Working]:
    """Processes that do the tasks, ended when the context is left."""
    spawn, count = multiprocessing.get_context("spawn"), len(tasks)
    cards = visible_cards()
    own = share_of(params, count, cards)
    working: Working = {}
    processes = []
    try:
        for place, task in enumerate(tasks):
            here, there = ends(spawn.Pipe())
            process = spawn.Process(target=work, args=(there, task, own))
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


def share_of(params: Params, count: int, cards: Sequence[str]) -> Params:
    """The settings of one of `count` processes: with its share of what all of them use."""
    hardware, engine = params.hardware, params.engine
    all_mb = hardware.sandbox.all_memory_mb or memory() // SHARE // 2**20
    sandbox = hardware.sandbox.model_copy(update={"all_memory_mb": max(1, all_mb // count)})
    kept, name = hardware.transformers, chosen(engine)
    on_a_cpu = name == "transformers" and not cards
    if name == "server" or on_a_cpu:  # the servers' room, and the memory, are for all of them
        engine = engine.model_copy(update={"batch_size": -(-engine.batch_size // count)})
    if on_a_cpu:
        kept = kept.model_copy(update={"cache_mb": kept.cache_mb / count})
    own = hardware.model_copy(update={"sandbox": sandbox, "transformers": kept})
    return params.model_copy(update={"hardware": own, "engine": engine})


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


def work(connection: Connection, task: Task, params: Params) -> None:
    """What each process does: its task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first one ends this one
    signal.signal(signal.SIGTERM, entry.interrupt)
    threading.Thread(target=end_with_parent, daemon=True).start()
    first = First(connection)
    terminal.pass_on = first.show
    with suppress(KeyboardInterrupt, BrokenPipeError):  # the first one ended, or ends this one
        try:
            told = Told("returned", asyncio.run(task(params, first)))
        except UserError as error:
            told = Told("failed", str(error))
        first.send(told)


def end_with_parent() -> None:
    """End this process when the one that started it ends, however it ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(entry.INTERRUPTED)
