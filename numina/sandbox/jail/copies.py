"""Copy what a program gives to its "processes", except what real processes would share."""

from __future__ import annotations

import ctypes
import io
import pickle
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from numina.sandbox.jail import threads
from numina.sandbox.jail.channels import Connection

SHARED: tuple[type, ...] = (
    *(queue.Queue, threads.Lock, type(threading.RLock()), threading.Condition, threading.Event),
    *(threading.Barrier, threading.Semaphore, ctypes._SimpleCData, ctypes.Array, ctypes.Structure),
)
SHARED_MODULES = ("multiprocessing.sharedctypes", "multiprocessing.synchronize")
NOT_PICKLED = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError)


def proxies() -> tuple[type, ...]:
    """The class of the proxies of managers, if the program uses any."""
    managers = sys.modules.get("multiprocessing.managers")
    return (managers.BaseProxy,) if managers is not None else ()


class Copier(pickle.Pickler):
    """A pickler that leaves out objects that processes share."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.left_out: list[Any] = []

    def persistent_id(self, obj: Any) -> int | None:
        shared = isinstance(obj, (*SHARED, Connection)) or type(obj).__module__ in SHARED_MODULES
        if not shared and not isinstance(obj, proxies()):
            return None
        self.left_out.append(obj)
        return len(self.left_out) - 1


def copied(thing: Any, connections: list[Connection] | None = None) -> Any:
    """A copy as in another process; the object itself if it cannot be pickled.

    A connection is duplicated, as each process closes its own.

    Args:
        thing: what to copy.
        connections: a list for the duplicates.
    """
    if isinstance(thing, SHARED):
        return thing
    file = io.BytesIO()
    copier = Copier(file)

    def left_out(place: int) -> Any:
        found = copier.left_out[place]
        if not isinstance(found, Connection):
            return found
        duplicate = found.duplicate()
        if connections is not None:
            connections.append(duplicate)
        return duplicate

    try:
        copier.dump(thing)
        file.seek(0)
        reader = pickle.Unpickler(file)
        reader.persistent_load = left_out
        return reader.load()
    except NOT_PICKLED:
        return thing


def called(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a function with copies."""
    return function(*copied(arguments), **copied(named))
