"""Emulate the semaphores that the locks of `multiprocessing` are built on."""

from __future__ import annotations

import collections
import itertools
from typing import Any

from numina.sandbox.jail import threads, turns

RECURSIVE = 0  # the kind that its owner can acquire again


class SemLock:
    """Like `_multiprocessing.SemLock`, for a session's threads."""

    SEM_VALUE_MAX = 2**31 - 1
    numbers = itertools.count(1)

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        self.kind, self.value, self.maxvalue = kind, value, maxvalue
        self.name = None  # so that nobody registers it to be removed
        self.handle = next(self.numbers)
        self.held, self.owner = 0, None
        self.waiting: collections.deque[turns.Turn] = collections.deque()

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        if self.kind == RECURSIVE and self._is_mine():
            self.held += 1
            return True
        if not self.value and not block:
            turns.give_way()  # a thread that polls a lock waits for another
        if self.value:
            self.value -= 1
        elif not block:
            return False
        else:
            turn = turns.Turn()
            self.waiting.append(turn)
            if not turns.wait(turn, None if timeout is None else max(0.0, timeout)):
                return False
        self.held, self.owner = self.held + 1, threads.get_ident()
        return True

    def release(self) -> None:
        if self.kind == RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self.held > 1:
                self.held -= 1
                return
        elif self.value >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        self.held -= 1
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.timed_out:
                turns.end(turn)  # its thread has now acquired it
                return
        self.value += 1

    def _is_mine(self) -> bool:
        return self.held > 0 and self.owner == threads.get_ident()

    def _count(self) -> int:
        return self.held

    def _get_value(self) -> int:
        return self.value

    def _is_zero(self) -> bool:
        return not self.value

    def _after_fork(self) -> None: ...

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def replace_semaphores(synchronize: Any) -> None:
    """Make the module `multiprocessing.synchronize` use these."""
    synchronize._multiprocessing.SemLock = SemLock


def replace_tracker(tracker: Any) -> None:
    """Make the module `multiprocessing.resource_tracker` start no process to track with."""
    tracker.register = tracker.unregister = tracker.ensure_running = lambda *_: None
