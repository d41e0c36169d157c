"""Emulate process pools with the threads of a session."""

from __future__ import annotations

import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from typing import Any

from numina.sandbox.jail import turns
from numina.sandbox.jail.copies import called


class ProcessPoolExecutor(ThreadPoolExecutor):
    """Like `concurrent.futures.ProcessPoolExecutor`."""

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: object = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
    ) -> None:
        super().__init__(max_workers, "Process", initializer, initargs)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(called, fn, *args, **kwargs)

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
    ) -> Iterator[Any]:
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        parts = chunks(zip(*iterables, strict=False), chunksize)
        found = super().map(functools.partial(call_all, fn), parts, timeout=timeout)
        return itertools.chain.from_iterable(found)


def chunks(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The rows in lists of this size."""
    left = iter(rows)
    while chunk := list(itertools.islice(left, size)):
        yield chunk


def call_all(function: Callable[..., Any], rows: Iterable[Iterable[Any]]) -> list[Any]:
    """Call a function with the arguments of each row."""
    return [function(*row) for row in rows]


class AsyncResult:
    """Like `multiprocessing.pool.AsyncResult`, for one call, or for calls that each give a list."""

    def __init__(self, calls: list[Future[Any]], several: bool) -> None:
        self.calls, self.several = calls, several

    def wait(self, timeout: float | None = None) -> None:
        wait(self.calls, timeout)

    def ready(self) -> bool:
        turns.give_way()
        return all(call.done() for call in self.calls)

    def successful(self) -> bool:
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return all(call.exception() is None for call in self.calls)

    def get(self, timeout: float | None = None) -> Any:
        try:
            values = [call.result(timeout) for call in self.calls]
        except NotYet:
            if all(call.done() for call in self.calls):
                raise
            raise sys.modules["multiprocessing"].TimeoutError from None
        return list(itertools.chain.from_iterable(values)) if self.several else values[0]

    def tell(self, callback: Any, error_callback: Any) -> AsyncResult:
        """Call back once all have ended."""
        left = itertools.count(len(self.calls) - 1, -1)

        def ended(_: Future[Any]) -> None:
            if next(left):
                return
            error = next((e for call in self.calls if (e := call.exception())), None)
            if error is None and callback is not None:
                callback(self.get())
            if error is not None and error_callback is not None:
                error_callback(error)

        for call in self.calls:
            call.add_done_callback(ended)
        return self


class ImapIterator:
    """Like the iterator that `Pool.imap` returns."""

    def __init__(self, values: Iterator[Any]) -> None:
        self.values = values

    def __iter__(self) -> ImapIterator:
        return self

    def __next__(self) -> Any:
        return next(self.values)

    def next(self, timeout: float | None = None) -> Any:
        return next(self.values)


class Pool:
    """Like `multiprocessing.Pool`."""

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        maxtasksperchild: int | None = None,
        context: object = None,
    ) -> None:
        if processes is not None and processes < 1:
            raise ValueError("Number of processes must be at least 1")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self.processes = processes or os.cpu_count() or 1
        self.executor = self.workers(processes, initializer, initargs)
        self.open = True

    def workers(self, *arguments: Any) -> ThreadPoolExecutor:
        processes, initializer, initargs = arguments
        return ProcessPoolExecutor(processes, None, initializer, initargs)

    def check(self) -> None:
        if not self.open:
            raise ValueError("Pool not running")

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        callback: Any = None,
        error_callback: Any = None,
    ) -> AsyncResult:
        self.check()
        call = self.executor.submit(func, *args, **(kwds or {}))
        return AsyncResult([call], False).tell(callback, error_callback)

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Any = None,
        error_callback: Any = None,
    ) -> AsyncResult:
        self.check()
        rows = list(iterable)
        size = chunksize or len(rows) // (4 * self.processes) + 1
        function = functools.partial(call_all, func)
        calls = [self.executor.submit(function, part) for part in chunks(rows, size)]
        return AsyncResult(calls, True).tell(callback, error_callback)

    def map_async(
        self, func: Callable[..., Any], iterable: Iterable[Any], *rest: Any, **named: Any
    ) -> AsyncResult:
        return self.starmap_async(func, ((item,) for item in iterable), *rest, **named)

    def apply(self, func: Callable[..., Any], args: Any = (), kwds: Any = None) -> Any:
        return self.apply_async(func, args, kwds).get()

    def map(self, func: Any, iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        return self.map_async(func, iterable, chunksize).get()

    def starmap(self, func: Any, iterable: Any, chunksize: int | None = None) -> list[Any]:
        return self.starmap_async(func, iterable, chunksize).get()

    def imap(self, func: Any, iterable: Iterable[Any], chunksize: int = 1) -> ImapIterator:
        self.check()
        function = functools.partial(call_all, func)
        parts = chunks(((item,) for item in iterable), chunksize)
        found = (self.executor.submit(function, part).result() for part in parts)
        return ImapIterator(itertools.chain.from_iterable(found))

    imap_unordered = imap

    def close(self) -> None:
        self.open = False

    def terminate(self) -> None:
        self.open = False
        self.executor.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        if self.open:
            raise ValueError("Pool is still running")
        self.executor.shutdown()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()


class ThreadPool(Pool):
    """Like `multiprocessing.pool.ThreadPool`: nothing is copied."""

    def workers(self, *arguments: Any) -> ThreadPoolExecutor:
        processes, initializer, initargs = arguments
        return ThreadPoolExecutor(processes, "Thread", initializer, initargs)
