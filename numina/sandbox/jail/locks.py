"""Let a session lock its own files, which no one else can open, without locks of the kernel.

The kernel's would also work on library files, where they would stop the user's other processes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

from numina.sandbox.jail.temporary import redirected

ACCESS, READ_LOCKS, SET_LOCKS = os.O_ACCMODE, 5, (6, 7)  # F_GETLK; F_SETLK, F_SETLKW


def grant(real: Callable[..., Any], flags_of: Callable[[Any], int]) -> Callable[..., Any]:
    """A function that locks, for which a file opened for writing is always free."""

    def lock(file: Any, operation: int, *rest: int) -> Any:
        if flags_of(file) & ACCESS == os.O_RDONLY:
            return real(file, operation, *rest)
        return None

    return lock


def replace_locks(fcntl: Any) -> None:
    """Change `flock` and `lockf` in the modules `fcntl` and `os`."""

    def flags_of(file: Any) -> int:
        return fcntl.fcntl(file, fcntl.F_GETFL)

    fcntl.flock, fcntl.lockf = grant(fcntl.flock, flags_of), grant(fcntl.lockf, flags_of)
    os.lockf = grant(os.lockf, flags_of)


# Indices in the struct sqlite3_vfs of pointers, after 16 bytes; sqlite.org/c3ref/vfs.html
SLEEP, SET_CALL = 12, 16
FileControl = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
Sleep = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
SetCall = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, FileControl)
fcntl_of_libc = ctypes.CDLL(None, use_errno=True).fcntl


@FileControl
def file_control(descriptor: int, command: int, argument: int | None) -> int:
    """As `fcntl`, but all locks are granted: SQLite itself keeps its connections apart."""
    if command in SET_LOCKS:
        return 0
    return fcntl_of_libc(descriptor, command, ctypes.c_void_p(argument))


@Sleep
def sleep(_: int | None, microseconds: int) -> int:
    """Let other threads run while a connection waits for them."""
    time.sleep(microseconds / 10**6)
    return microseconds


def let_sqlite_lock(module: Any) -> None:
    """Replace SQLite's calls, after the module `_sqlite3` was imported."""
    module.connect = redirected(module.connect, 1)
    with contextlib.suppress(AttributeError, OSError):  # a SQLite that is part of Python
        library = ctypes.CDLL(module.__file__)
        library.sqlite3_vfs_find.restype = ctypes.c_void_p
        found = library.sqlite3_vfs_find(None)
        calls = (ctypes.c_void_p * (SET_CALL + 1)).from_address(found + 16)
        SetCall(calls[SET_CALL])(found, b"fcntl", file_control)
        calls[SLEEP] = ctypes.cast(sleep, ctypes.c_void_p).value


def let_dumb_databases_be(module: Any) -> None:
    """Make `dbm.dumb`, which `shelve` uses, set no modes of its files."""
    module._Database._chmod = lambda *_: None
