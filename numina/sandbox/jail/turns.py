"""The turns of a session's threads: which one runs, and which wait.

A thread runs until it waits, and then the next in line continues, so a program with threads gives
the same result each time. Only a thread that computes for half a second without waiting is
interrupted, as it may be waiting for another in a loop.
"""

from __future__ import annotations

import collections
import heapq
import itertools
import signal
import time
from types import FrameType

from greenlet import getcurrent, greenlet

real_sleep = time.sleep
FOREVER = 1.0  # seconds between checks while no thread can continue: only a signal can end that


class Turn:
    """A thread's place among the waiting threads."""

    __slots__ = ("ended", "thread", "timed_out")

    def __init__(self) -> None:
        self.thread, self.ended, self.timed_out = getcurrent(), False, False


ready: collections.deque[greenlet] = collections.deque()
timed: list[tuple[float, int, Turn]] = []  # a heap by end time
order = itertools.count()


def wait(turn: Turn, seconds: float | None) -> bool:
    """Let others run until `end(turn)` is called or time is up; return whether it was called."""
    if seconds is not None:
        heapq.heappush(timed, (time.monotonic() + seconds, next(order), turn))
    current = turn.thread
    while True:
        following = next_thread()
        if following is not current:
            following.switch()
        if turn.ended or turn.timed_out:
            return turn.ended


def end(turn: Turn) -> None:
    """Let the thread that waits with this turn continue when the others wait."""
    if not turn.ended and not turn.timed_out:
        turn.ended = True
        ready.append(turn.thread)


def give_way() -> None:
    """Let those run that can."""
    if ready or timed:
        turn = Turn()
        end(turn)
        wait(turn, None)


def next_thread() -> greenlet:
    """Return the thread to continue; wait if none can yet."""
    while True:
        now = time.monotonic()
        while timed and (timed[0][0] <= now or timed[0][2].ended):
            turn = heapq.heappop(timed)[2]
            if not turn.ended:
                turn.timed_out = True
                ready.append(turn.thread)
        while ready:
            if not getattr(thread := ready.popleft(), "stopped", False):
                return thread
        real_sleep(max(0.0, timed[0][0] - now) if timed else FOREVER)


TICK_S = 0.05  # of processor time, between two looks at which thread runs
# Modules that must not be interrupted.
CRITICAL = {__name__, *(f"numina.sandbox.jail.{name}" for name in ("semaphores", "threads"))}


class Watch:
    """Counts how long a thread runs without waiting.

    Attributes:
        on: whether the timer runs.
        thread: the thread that ran at the last tick.
        ticks: how often in a row it did.
        patience: how many ticks are allowed; one after the first thread that exceeded them.
    """

    on = False
    thread: greenlet | None = None
    ticks = 0
    patience = 10


def watch() -> None:
    """Interrupt threads that do not wait, such as one that asks for a variable in a loop."""
    if not Watch.on and (ready or timed):
        Watch.on = True
        signal.signal(signal.SIGVTALRM, interrupt)
        signal.setitimer(signal.ITIMER_VIRTUAL, TICK_S, TICK_S)


def interrupt(_: int, frame: FrameType | None) -> None:
    """Let others run if the current thread has been running for long."""
    current = getcurrent()
    Watch.ticks = Watch.ticks + 1 if Watch.thread is current else 1
    Watch.thread = current
    above = frame.f_back if frame is not None else None
    critical = any(
        f is not None and f.f_globals.get("__name__") in CRITICAL for f in (frame, above)
    )
    if Watch.ticks >= Watch.patience and not critical:
        Watch.patience = 1
        give_way()


def stop_watch() -> None:
    """Interrupt no more; the timer has been stopped."""
    Watch.on, Watch.thread = False, None


def sleep(seconds: float, /) -> None:
    """Like `time.sleep`, while others run."""
    if (not ready and not timed) or not isinstance(seconds, (int, float)) or seconds < 0:
        return real_sleep(seconds)
    wait(Turn(), seconds)
