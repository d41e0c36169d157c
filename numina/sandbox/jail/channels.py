"""Emulate the queues, pipes and listeners of `multiprocessing` in memory, without descriptors."""

from __future__ import annotations

import collections
import pickle
import queue
import threading
import time
from collections.abc import Iterable
from typing import Any

from numina.sandbox.jail import turns
from numina.sandbox.jail.copies import copied


class ProcessQueue(queue.Queue):
    """Like `multiprocessing.Queue`; items are copied."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(copied(item), block, timeout)

    def close(self) -> None: ...

    join_thread = cancel_join_thread = close


class Direction:
    """One direction of a pipe: its messages, and how many connections read and write it."""

    def __init__(self) -> None:
        self.messages: collections.deque[Any] = collections.deque()
        self.readers = self.writers = 0
        self.changed = threading.Condition()


class Bytes(bytes):
    """A message of `send_bytes`."""


class Connection:
    """One end of a pipe.

    Args:
        reads, writes: the directions that it uses.
    """

    def __init__(self, reads: Direction | None, writes: Direction | None) -> None:
        self.reads, self.writes, self.closed = reads, writes, False
        self.readable, self.writable = reads is not None, writes is not None
        if reads is not None:
            reads.readers += 1
        if writes is not None:
            writes.writers += 1

    def duplicate_for_process(self) -> Connection:
        """The same end for another process."""
        return self if self.closed else Connection(self.reads, self.writes)

    def send(self, obj: Any) -> None:
        self._send(copied(obj))

    def send_bytes(self, buf: Any, offset: int = 0, size: int | None = None) -> None:
        whole = memoryview(buf).cast("B")
        self._send(Bytes(whole[offset:] if size is None else whole[offset : offset + size]))

    def _send(self, message: Any) -> None:
        direction = self._usable(self.writes, "read-only")
        if not direction.readers:
            raise BrokenPipeError(32, "Broken pipe")
        with direction.changed:
            direction.messages.append(message)
            direction.changed.notify()

    def recv(self) -> Any:
        message = self._recv()
        return pickle.loads(message) if isinstance(message, Bytes) else message

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        message = self._recv()
        return bytes(message) if isinstance(message, Bytes) else pickle.dumps(message)

    def recv_bytes_into(self, buf: Any, offset: int = 0) -> int:
        message = self.recv_bytes()
        memoryview(buf).cast("B")[offset : offset + len(message)] = message
        return len(message)

    def _recv(self) -> Any:
        direction = self._usable(self.reads, "write-only")
        with direction.changed:
            direction.changed.wait_for(lambda: direction.messages or not direction.writers)
            if not direction.messages:
                raise EOFError
            return direction.messages.popleft()

    def _usable(self, direction: Direction | None, otherwise: str) -> Direction:
        if self.closed:
            raise OSError("handle is closed")
        if direction is None:
            raise OSError(f"connection is {otherwise}")
        return direction

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether there is a message, or the end, within this many seconds."""
        self._usable(self.reads, "write-only")
        return bool(wait([self], timeout))

    def ready(self) -> bool:
        return self.closed or bool(self.reads and (self.reads.messages or not self.reads.writers))

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        if self.reads is not None:
            self.reads.readers -= 1
        if self.writes is not None:
            self.writes.writers -= 1
            with self.writes.changed:
                self.writes.changed.notify_all()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def pipe(duplex: bool = True) -> tuple[Connection, Connection]:
    """Like `multiprocessing.Pipe`."""
    there, back = Direction(), Direction()
    if duplex:
        return Connection(back, there), Connection(there, back)
    return Connection(there, None), Connection(None, there)


GLANCE_S = 0.002


def wait(object_list: Iterable[Any], timeout: float | None = None) -> list[Any]:
    """Like `multiprocessing.connection.wait`, for connections and the sentinels of processes."""
    until = None if timeout is None else time.monotonic() + timeout
    objects = list(object_list)
    turns.give_way()
    while True:
        found = [thing for thing in objects if thing.ready()]
        if found or (until is not None and time.monotonic() >= until):
            return found
        turns.sleep(GLANCE_S)
