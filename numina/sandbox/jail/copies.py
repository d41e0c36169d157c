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

SHARED: tuple[type, ...] = (
    *(queue.Queue, threads.Lock, type(threading.RLock()), threading.Condition, threading.Event),
    *(threading.Barrier, threading.Semaphore, ctypes._SimpleCData, ctypes.Array, ctypes.Structure),
)
SHARED_MODULES = ("multiprocessing.sharedctypes", "multiprocessing.synchronize")
PLAIN = frozenset((bool, bytes, complex, dict, float, int, list, set, str, tuple, type(None)))
DUPLICATE = "duplicate_for_process"  # a method
NOT_PICKLED = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError)


def proxies() -> tuple[type, ...]:
    """The class of the proxies of managers, if the program uses any."""
    managers = sys.modules.get("multiprocessing.managers")
    return (managers.BaseProxy,) if managers is not None else ()


class Copier(pickle.Pickler):
    """A pickler that leaves out objects that processes share, and those that can duplicate."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.shared = (*SHARED, *proxies())
        self.left_out: list[Any] = []

    def persistent_id(self, obj: Any) -> int | None:
        kind = type(obj)
        if kind in PLAIN:
            return None
        shared = isinstance(obj, self.shared) or kind.__module__ in SHARED_MODULES
        if not shared and not hasattr(kind, DUPLICATE):
            return None
        self.left_out.append(obj)
        return len(self.left_out) - 1


def copied(thing: Any, duplicates: list[Any] | None = None) -> Any:
    """A copy as in another process; the object itself if it cannot be pickled.

    Args:
        thing: what to copy.
        duplicates: a list for the duplicates of the connections in it: each process closes its own.
    """
    if isinstance(thing, SHARED):
        return thing
    file = io.BytesIO()
    copier = Copier(file)

    def left_out(place: int) -> Any:
        found = copier.left_out[place]
        if not hasattr(type(found), DUPLICATE):
            return found
        duplicate = getattr(found, DUPLICATE)()
        if duplicates is not None:
            duplicates.append(duplicate)
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
