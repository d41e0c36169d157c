"""Emulate threads in one thread: a session's threads take turns, each until it waits.

A session cannot start kernel threads, so its limits cover all that it can use. The foundation of
Python's `threading` is therefore replaced by greenlets (`numina.sandbox.jail.turns`), and so is all
that is built on it: locks, queues, executors.
"""

from __future__ import annotations

import _thread
import _threading_local
import collections
import itertools
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

from numina.sandbox.jail import turns
from numina.sandbox.jail.turns import Turn, end, give_way, next_thread, wait

OS_THREAD = _thread.get_ident()


class Lock:
    """As `_thread.lock`."""

    __slots__ = ("__weakref__", "taken", "waiting")

    def __init__(self) -> None:
        self.taken = False
        self.waiting: collections.deque[Turn] = collections.deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not self.taken and timeout == -1:
            self.taken = True
            return True
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
    turns.ready.append(thread)
    turns.watch()
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
    while any(keeps_block(thread) for thread in turns.ready) or any(
        keeps_block(turn.thread) for _, _, turn in turns.timed if not turn.ended
    ):
        wait(Turn(), 0.0)


def keeps_block(thread: greenlet) -> bool:
    if not isinstance(thread, Thread) or thread.stopped:
        return False
    known = threading._active.get(thread.number)  # pyright: ignore[reportAttributeAccessIssue]
    return thread.keeps_block or (known is not None and not known.daemon)


def replace_locks(kinds: dict[type, Callable[[], object]]) -> None:
    """Replace the locks of modules that are already imported, which would stop all threads."""
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if type(value) in kinds:
                setattr(module, name, kinds[type(value)]())


def replace_threads() -> None:
    """Replace Python's threads by these."""
    low: Any = _thread
    replace_locks({type(low.allocate_lock()): Lock, type(low.RLock()): threading._PyRLock})  # pyright: ignore[reportAttributeAccessIssue]
    low.start_new_thread = low.start_new = start_new_thread
    low.allocate_lock = low.allocate = low.LockType = Lock
    low.RLock = threading._PyRLock  # pyright: ignore[reportAttributeAccessIssue]
    low.get_ident, low.stack_size, low._set_sentinel = get_ident, stack_size, set_sentinel
    high: Any = threading
    high._start_new_thread, high._allocate_lock, high.Lock = start_new_thread, Lock, Lock
    high._set_sentinel, high.get_ident, high._CRLock = set_sentinel, get_ident, None
    high.stack_size, high.local = stack_size, _threading_local.local
    time.sleep = turns.sleep
