"""Emulate threads in one thread: a session's threads take turns, each until it waits.

A session cannot start kernel threads, so its limits cover all that it can use. The foundation of
Python's `threading` is therefore replaced by greenlets, and so is all that is built on it: locks,
queues, executors. A thread runs until it waits (for a lock, a queue, another thread, or in
`time.sleep`) and then the next in line continues, so a program with threads gives the same result
each time. Only a thread that computes for half a second without waiting is interrupted, as it may
be waiting for another in a loop.
"""

from __future__ import annotations

import _thread
import _threading_local
import collections
import heapq
import itertools
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from greenlet import getcurrent, greenlet

real_sleep = time.sleep
OS_THREAD = _thread.get_ident()
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
CRITICAL = {__name__, "numina.sandbox.jail.semaphores"}  # modules that must not be interrupted


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


class Lock:
    """As `_thread.lock`."""

    def __init__(self) -> None:
        self.taken = False
        self.waiting: collections.deque[Turn] = collections.deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if self.taken and not blocking:
            give_way()  # a thread that polls a lock waits for another
        if not self.taken:
            self.taken = True
            return True
        if not blocking:
            return False
        turn = Turn()
        self.waiting.append(turn)
        return wait(turn, None if timeout == -1 else timeout)

    def release(self) -> None:
        if not self.taken:
            raise RuntimeError("release unlocked lock")
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.timed_out:
                end(turn)  # it now has the lock
                return
        self.taken = False

    def locked(self) -> bool:
        return self.taken

    _is_owned = locked  # for `threading.Condition`, which would else try to acquire it

    def _at_fork_reinit(self) -> None:
        self.__init__()

    acquire_lock, release_lock, locked_lock = acquire, release, locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{'locked' if self.taken else 'unlocked'} _thread.lock object at {id(self):#x}>"


class Thread(greenlet):
    """One of a session's threads.

    Attributes:
        process: the process of `multiprocessing` that it belongs to; None for the first.
        sentinel: a lock that is released at its end.
        keeps_block: whether a block waits for this thread until it ends or can never continue.
        stopped: whether it never continues.
    """

    numbers = itertools.count(OS_THREAD + 1)
    sentinel: Lock | None = None
    process: Any = None
    keeps_block = stopped = False

    def __init__(self, run: Callable[[], object]) -> None:
        super().__init__(run)
        self.number = next(self.numbers)


def start(run: Callable[[], object], keeps_block: bool = False) -> Thread:
    """Start a thread; it runs when the others wait."""

    def live(*_: object) -> None:  # the result of the previous one
        current = getcurrent()
        assert isinstance(current, Thread)
        try:
            run()
        except SystemExit:
            pass
        finally:
            if current.sentinel is not None and current.sentinel.taken:
                current.sentinel.release()
            current.parent = next_thread()  # continues when this one ends

    thread = Thread(live)
    thread.keeps_block, thread.process = keeps_block, current_process()
    ready.append(thread)
    watch()
    return thread


def current_process() -> Any:
    """The process that the current thread belongs to; None for the first one."""
    return getattr(getcurrent(), "process", None)


def start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: Any = None
) -> int:
    """Like `_thread.start_new_thread`."""
    return start(lambda: function(*args, **(kwargs or {}))).number


def get_ident() -> int:
    """As `_thread.get_ident`."""
    return getattr(getcurrent(), "number", OS_THREAD)


def set_sentinel() -> Lock:
    """Like `_thread._set_sentinel`: a lock that is released when this thread ends."""
    lock = Lock()
    current = getcurrent()
    if isinstance(current, Thread):
        current.sentinel = lock
    return lock


def stack_size(size: int = 0, /) -> int:
    """Like `_thread.stack_size`; all threads share the stack of the first, which is large."""
    return 0


def stop(thread: Thread) -> None:
    """Stop a thread for good."""
    thread.stopped = True


def finish() -> None:
    """Run the threads that a script would wait for at its end, as long as they can continue."""
    while any(keeps_block(thread) for thread in ready) or any(
        keeps_block(turn.thread) for _, _, turn in timed if not turn.ended
    ):
        wait(Turn(), 0.0)


def keeps_block(thread: greenlet) -> bool:
    if not isinstance(thread, Thread) or thread.stopped:
        return False
    known = threading._active.get(thread.number)  # pyright: ignore[reportAttributeAccessIssue]
    return thread.keeps_block or (known is not None and not known.daemon)


def replace_threads() -> None:
    """Replace Python's threads by these; call it before importing anything that makes a lock."""
    low: Any = _thread
    low.start_new_thread = low.start_new = start_new_thread
    low.allocate_lock = low.allocate = low.LockType = Lock
    low.RLock = threading._PyRLock  # pyright: ignore[reportAttributeAccessIssue]
    low.get_ident, low.stack_size, low._set_sentinel = get_ident, stack_size, set_sentinel
    high: Any = threading
    high._start_new_thread, high._allocate_lock, high.Lock = start_new_thread, Lock, Lock
    high._set_sentinel, high.get_ident, high._CRLock = set_sentinel, get_ident, None
    high.stack_size, high.local = stack_size, _threading_local.local
    time.sleep = sleep
