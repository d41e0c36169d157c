"""Processes in one process: `multiprocessing` and process pools, by the threads of a session.

A session may start no process. Each of its "processes" is one of the threads that take turns
(`numina.sandbox.jail.threads`). It gets copies of its arguments, as pickle makes them, so that the
usual programs (a pool that maps a function; workers that answer by a queue) print what they would.
What a worker writes to global variables is seen by all, unlike with real processes.
"""

from __future__ import annotations

import copy
import ctypes
import io
import itertools
import pickle
import queue
import sys
import threading
import traceback
import types
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from typing import Any

from numina.sandbox.jail import threads


class SharedDict(dict): ...


class SharedList(list): ...


class Namespace(types.SimpleNamespace): ...


class SharedValue:
    """As a manager's `Value` and, for more than one, not copied."""

    def __init__(self, kind: object, value: Any = 0, lock: object = True) -> None:
        self.value = value

    def get(self) -> Any:
        return self.value

    def set(self, value: Any) -> None:
        self.value = value


class ProcessQueue(queue.Queue):
    """As `multiprocessing.Queue`; what is put is copied."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(copied(item), block, timeout)

    def close(self) -> None: ...

    join_thread = cancel_join_thread = close


class Connection:
    """One end of a pipe."""

    def __init__(self, reads: ProcessQueue, writes: ProcessQueue) -> None:
        self.reads, self.writes, self.closed = reads, writes, False

    def send(self, item: Any) -> None:
        self.writes.put((item,))

    def recv(self) -> Any:
        message = self.reads.get()
        if message is None:
            raise EOFError
        return message[0]

    send_bytes, recv_bytes = send, recv

    def poll(self, timeout: float | None = 0.0) -> bool:
        with self.reads.not_empty:
            if not self.reads.queue and (timeout is None or timeout > 0):
                self.reads.not_empty.wait(timeout)
            return bool(self.reads.queue)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.writes.put(None)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def pipe(duplex: bool = True) -> tuple[Connection, Connection]:
    """As `multiprocessing.Pipe`."""
    there, back = ProcessQueue(), ProcessQueue()
    return Connection(back, there), Connection(there, back)


class Manager:
    """As `multiprocessing.Manager()`: what it makes is shared."""

    dict, list, Namespace, Value = SharedDict, SharedList, Namespace, SharedValue
    Queue = JoinableQueue = ProcessQueue
    Lock, RLock = threads.Lock, staticmethod(threading.RLock)
    Condition, Event, Barrier = threading.Condition, threading.Event, threading.Barrier
    Semaphore, BoundedSemaphore = threading.Semaphore, threading.BoundedSemaphore

    def Array(self, kind: object, values: Iterable[Any], lock: object = True) -> SharedList:
        return SharedList(values)

    def Pool(self, *arguments: Any, **named: Any) -> Pool:
        return Pool(*arguments, **named)

    def start(self) -> None: ...

    shutdown = start

    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *_: object) -> None: ...


SHARED: tuple[type, ...] = (
    *(SharedDict, SharedList, Namespace, SharedValue, queue.Queue, Connection, Manager),
    *(threads.Lock, type(threading.RLock()), threading.Condition, threading.Event),
    *(threading.Barrier, threading.Semaphore, ctypes._SimpleCData, ctypes.Array, ctypes.Structure),
)


class Copier(pickle.Pickler):
    """A pickler that keeps what processes share."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.shared: list[Any] = []

    def persistent_id(self, obj: Any) -> int | None:
        ours = isinstance(obj, SHARED) or type(obj).__module__ == "multiprocessing.sharedctypes"
        if not ours:
            return None
        self.shared.append(obj)
        return len(self.shared) - 1


def copied(thing: Any) -> Any:
    """A copy as another process would have it; the thing itself where pickle makes none."""
    file = io.BytesIO()
    copier = Copier(file)
    try:
        copier.dump(thing)
        file.seek(0)
        reader = pickle.Unpickler(file)
        reader.persistent_load = lambda place: copier.shared[place]
        return reader.load()
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError):
        return thing


def called(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return function(*copied(arguments), **copied(named))


class ProcessPoolExecutor(ThreadPoolExecutor):
    """As `concurrent.futures.ProcessPoolExecutor`."""

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


class AsyncResult:
    """As `multiprocessing.pool.AsyncResult`, of one call or of several."""

    def __init__(self, calls: list[Future[Any]], several: bool) -> None:
        self.calls, self.several = calls, several

    def wait(self, timeout: float | None = None) -> None:
        wait(self.calls, timeout)

    def ready(self) -> bool:
        threads.give_way()
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
        return values if self.several else values[0]

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


class Results:
    """As what `imap` returns."""

    def __init__(self, values: Iterator[Any]) -> None:
        self.values = values

    def __iter__(self) -> Results:
        return self

    def __next__(self) -> Any:
        return next(self.values)

    def next(self, timeout: float | None = None) -> Any:
        return next(self.values)


class Pool:
    """As `multiprocessing.Pool`, and as its `ThreadPool`."""

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
        self.executor = self.workers(processes, initializer, initargs)
        self.open = True

    def workers(self, *arguments: Any) -> ThreadPoolExecutor:
        processes, initializer, initargs = arguments
        return ProcessPoolExecutor(processes, None, initializer, initargs)

    def calls(self, function: Any, rows: Iterable[Iterable[Any]], named: Any = None) -> list[Any]:
        if not self.open:
            raise ValueError("Pool not running")
        return [self.executor.submit(function, *row, **(named or {})) for row in rows]

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        callback: Any = None,
        error_callback: Any = None,
    ) -> AsyncResult:
        return AsyncResult(self.calls(func, [args], kwds), False).tell(callback, error_callback)

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Any = None,
        error_callback: Any = None,
    ) -> AsyncResult:
        return AsyncResult(self.calls(func, iterable), True).tell(callback, error_callback)

    def map_async(
        self, func: Callable[..., Any], iterable: Iterable[Any], *rest: Any, **named: Any
    ) -> AsyncResult:
        return self.starmap_async(func, ((item,) for item in iterable), *rest, **named)

    def apply(self, func: Callable[..., Any], args: Any = (), kwds: Any = None) -> Any:
        return self.apply_async(func, args, kwds).get()

    def map(self, func: Any, iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        return self.map_async(func, iterable).get()

    def starmap(self, func: Any, iterable: Any, chunksize: int | None = None) -> list[Any]:
        return self.starmap_async(func, iterable).get()

    def imap(self, func: Any, iterable: Iterable[Any], chunksize: int = 1) -> Results:
        if not self.open:
            raise ValueError("Pool not running")
        return Results(self.executor.submit(func, item).result() for item in iterable)

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
    """As `multiprocessing.pool.ThreadPool`: nothing is copied."""

    def workers(self, *arguments: Any) -> ThreadPoolExecutor:
        processes, initializer, initargs = arguments
        return ThreadPoolExecutor(processes, "Thread", initializer, initargs)


class Started:
    """A process that has been started, as `Process` asks for it."""

    pids = itertools.count(1)
    sentinel = -1

    def __init__(self, process: Any) -> None:
        self.returncode: int | None = None
        self.pid = next(self.pids)
        self.ended = threading.Event()
        child = copy.copy(process)  # the caller's is stripped of its arguments
        child._args, child._kwargs = copied(process._args), copied(process._kwargs)
        self.running = threads.start(lambda: self.run(child), keeps_block=not process.daemon)
        Running.processes[self.running.number] = process

    def run(self, process: Any) -> None:
        code = 1
        try:
            process.run()
            code = 0
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else 1 if leave.code else 0
        except Exception as error:
            print(f"Process {process.name}:", file=sys.stderr)
            traceback.print_exception(error)
        finally:
            if self.returncode is None:
                self.returncode = code
            self.ended.set()

    def poll(self) -> int | None:
        threads.give_way()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        self.ended.wait(timeout)
        return self.returncode

    def terminate(self) -> None:
        if self.returncode is None:
            self.returncode = -15
            self.ended.set()
            threads.stop(self.running)

    kill = terminate

    def close(self) -> None: ...


class Running:
    """Which process a thread is."""

    processes: dict[int, Any] = {}  # noqa: RUF012 (one for all)


def replace_contexts(context: Any) -> None:
    """Have `multiprocessing`, by its module `context`, make these."""
    first = context.process.current_process
    context.process.current_process = lambda: Running.processes.get(threads.get_ident()) or first()
    made: dict[str, Callable[..., Any]] = {
        "Manager": Manager,
        "Pipe": pipe,
        "Lock": threads.Lock,
        "RLock": threading.RLock,
        "Condition": threading.Condition,
        "Event": threading.Event,
        "Barrier": threading.Barrier,
        "Semaphore": threading.Semaphore,
        "BoundedSemaphore": threading.BoundedSemaphore,
        "Queue": ProcessQueue,
        "JoinableQueue": ProcessQueue,
        "SimpleQueue": ProcessQueue,
    }
    for name, make in made.items():
        setattr(context.BaseContext, name, staticmethod(make))
    context.BaseContext.current_process = staticmethod(context.process.current_process)
    kinds = (context.Process, context.ForkProcess, context.SpawnProcess, context.ForkServerProcess)
    for kind in kinds:
        kind._Popen = staticmethod(Started)
