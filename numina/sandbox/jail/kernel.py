"""System calls that Python has no function for, called with ctypes."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

LINUX = sys.platform == "linux"
AARCH64 = platform.machine() == "aarch64"
libc = ctypes.PyDLL(None, use_errno=True)  # PyDLL keeps the interpreter's lock, for `fork`


class LayerError(OSError):
    """The kernel refused a layer."""


def call(name: str, *arguments: object) -> int:
    """Call a function of libc.

    Raises:
        LayerError: it fails.
    """
    done = getattr(libc, name)(*arguments)
    if done < 0:
        number = ctypes.get_errno()
        raise LayerError(number, f"{name}: {os.strerror(number)}")
    return done


# System calls by name: their numbers on x86-64 and on arm64, None if there is no such call.
# Sources: the kernel's syscall_64.tbl and asm-generic/unistd.h.
Numbers = dict[str, tuple[int | None, int | None]]
SYSCALLS: Numbers = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "prctl": (157, 167),
    "sched_getaffinity": (204, 123),
    "getpgid": (121, 155),
    "getsid": (124, 156),
    "madvise": (28, 233),
    "mmap": (9, 222),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "pivot_root": (155, 41),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}


def number(name: str) -> int | None:
    """The number of a system call on this machine; None if it has no such call."""
    return SYSCALLS[name][AARCH64]


def syscall(name: str, *arguments: object) -> int:
    """Make a system call that libc has no function for.

    Raises:
        LayerError: it fails.
    """
    longs = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return call("syscall", ctypes.c_long(number(name) or -1), *longs)
