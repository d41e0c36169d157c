"""Work shared out to processes, its results in the order in which it came."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from numina.errors import UserError
from numina.train.ranks import die_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 3  # items that are handed out for each process: what waits is held in memory

_work: Callable[[Any], Any]  # what a process does with an item: set once, as it may be large


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Iterator[Result]:
    """`work` of each item, in several processes; only a few items are held at a time.

    Args:
        work: is inherited by the processes, so it need not be one that can be pickled.
        items: are read as results are taken.
        processes: 1 is this process.

    Raises:
        UserError: a process was killed.
        Exception: what `work` raises for the first item that it fails on.
    """
    if processes == 1:
        yield from map(work, items)
        return
    waiting = deque()
    pool = ProcessPoolExecutor(processes, get_context("fork"), begin, (work,))
    try:
        for item in items:
            waiting.append(pool.submit(do, item))
            if len(waiting) > AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise UserError(
            f"one of {processes} processes was killed, maybe for want of memory; "
            "hardware.data_processes is their number"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def begin(work: Callable[[Any], Any]) -> None:
    """Make a process ready to work."""
    global _work
    _work = work
    die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that started it ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # each has one core


def do(item: Any) -> Any:
    """The work of a process on one item."""
    return _work(item)
