"""A filter that allows only the system calls that a computation needs."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from numina.sandbox.jail.kernel import AARCH64, SYSCALLS, LayerError, Numbers, call, number

PR_SET_SECCOMP = 22

ALLOWED: Numbers = {
    # reading and writing
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "preadv2": (327, 286),
    "pwritev2": (328, 287),
    "lseek": (8, 62),
    "sendfile": (40, 71),
    "copy_file_range": (326, 285),
    "close": (3, 57),
    "close_range": (436, 436),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    # its own files
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "creat": (85, None),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "getdents": (78, None),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "ftruncate": (77, 46),
    "fallocate": (285, 47),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "umask": (95, 166),
    "getxattr": (191, 8),
    "lgetxattr": (192, 9),
    "fgetxattr": (193, 10),
    "listxattr": (194, 11),
    "llistxattr": (195, 12),
    "flistxattr": (196, 13),
    # memory
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "msync": (26, 227),
    "brk": (12, 214),
    # time
    "time": (201, None),
    "gettimeofday": (96, 169),
    "nanosleep": (35, 101),
    "times": (100, 153),
    "alarm": (37, None),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "pause": (34, None),
    # signals to itself
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigsuspend": (130, 133),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    # about itself
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getpgrp": (111, None),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getcpu": (309, 168),
    "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    # thread support
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "set_tid_address": (218, 96),
    "rseq": (334, 293),
    "sched_yield": (24, 124),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    # the rest
    "exit": (60, 93),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
    "wait4": (61, 260),
    "waitid": (247, 95),
}
SYSCALLS |= ALLOWED
NEWEST = 470  # the last system call refused with EPERM; later ones get ENOSYS


@dataclass(frozen=True, slots=True)
class Values:
    """A call is allowed if one argument is one of these values."""

    argument: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """A call is allowed if one argument has none of these bits."""

    argument: int
    bits: int


# fcntl(2): DUPFD, GETFD, SETFD, GETFL, SETFL, GETLK, DUPFD_CLOEXEC, GETPIPE_SZ, GET_SEALS. No locks
# or leases, which would affect others on library files; no signals; no larger pipes.
DESCRIPTOR_COMMANDS = (0, 1, 2, 3, 4, 5, 1030, 1032, 1034)
# ioctl(2): TCGETS, TCGETS2 and TIOCGWINSZ, with which Python detects a terminal; FIONREAD,
# FIONBIO, FIONCLEX, FIOCLEX.
DEVICE_COMMANDS = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# prctl(2): GET_PDEATHSIG, GET_DUMPABLE, SET_NAME, GET_NAME, GET_SECCOMP, CAPBSET_READ,
# GET_NO_NEW_PRIVS, SET_VMA (names of memory, which malloc may set).
PROCESS_COMMANDS = (2, 3, 15, 16, 21, 23, 39, 0x53564D41)
# madvise(2): advice of allocators on their own memory; nothing that drops file pages from the
# cache or searches for equal pages of other processes.
ADVICE = (0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23)
OWN_CLOCKS = (*range(12), -2, -6)  # clocks of the machine, this thread and this process
MAP_LOCKED, MAP_HUGETLB = 0x2000, 0x40000  # memory that others would lack


def rules(pid: int) -> dict[str, Values | Without]:
    """Rules for the process `pid` on calls that are allowed with some arguments only."""
    itself = (0, pid)
    return {
        "kill": Values(0, (pid,)),
        "tkill": Values(0, (pid,)),
        "tgkill": Values(0, (pid,)),
        "prlimit64": Values(0, itself),
        "sched_getaffinity": Values(0, itself),
        "getpgid": Values(0, itself),
        "getsid": Values(0, itself),
        "fcntl": Values(1, DESCRIPTOR_COMMANDS),
        "ioctl": Values(1, DEVICE_COMMANDS),
        "prctl": Values(0, PROCESS_COMMANDS),
        "madvise": Values(2, ADVICE),
        "clock_gettime": Values(0, OWN_CLOCKS),
        "clock_getres": Values(0, OWN_CLOCKS),
        "clock_nanosleep": Values(0, OWN_CLOCKS),
        "mmap": Without(3, MAP_LOCKED | MAP_HUGETLB),
    }


# Seccomp: a classic BPF program over (number, architecture, arguments), seccomp(2).
LOAD, JUMP, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_IF_BITS, RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
DENY, NO_SUCH_CALL = 0x00050001, 0x00050026  # by EPERM, by ENOSYS
ARCHITECTURE = 0xC00000B7 if AARCH64 else 0xC000003E
ARGUMENTS = 16  # their offset, 8 bytes each; on these machines the low half comes first


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value & 0xFFFFFFFF)


def by_argument(rule: Values | Without) -> bytes:
    """A program that decides by one argument; the kernel uses only 32 bits of each of these."""
    body = instruction(LOAD, ARGUMENTS + 8 * rule.argument)
    allow, deny = instruction(RETURN, ALLOW), instruction(RETURN, DENY)
    if isinstance(rule, Without):
        return body + instruction(JUMP_IF_BITS, rule.bits, 0, 1) + deny + allow
    for value in rule.values:
        body += instruction(JUMP_EQUAL, value, 0, 1) + allow
    return body + deny


def search(ranges: Sequence[tuple[int, bytes]]) -> bytes:
    """A program that finds the range of a number by binary search and runs its decision.

    The kernel tries a new filter on every number, so a linear search would be most of a session's
    cost.

    Args:
        ranges: the first number of each, ascending, and the program that decides for it.
    """
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = search(ranges[:middle]), search(ranges[middle:])
    far = instruction(JUMP, len(below) // 8)
    return instruction(JUMP_AT_LEAST, ranges[middle][0], 0, 1) + far + below + above


@functools.cache
def filter_program(pid: int, refused: frozenset[str] = frozenset()) -> bytes:
    """The filter of the process `pid`: what is not allowed fails with EPERM.

    Args:
        pid: its number in its own PID namespace.
        refused: calls that are normally allowed, but not for this process.
    """
    allow, no_such_call = instruction(RETURN, ALLOW), instruction(RETURN, NO_SUCH_CALL)
    deny = instruction(RETURN, DENY)
    verdicts = {number(name): allow for name in ALLOWED if name not in refused}
    verdicts |= {number(name): by_argument(rule) for name, rule in rules(pid).items()}
    verdicts[number("clone3")] = no_such_call  # makes libc try clone
    ranges = {0: deny}
    for place, verdict in sorted((n, verdict) for n, verdict in verdicts.items() if n is not None):
        ranges[place] = verdict
        ranges.setdefault(place + 1, deny)
    ranges[NEWEST + 1] = no_such_call  # also the x32 numbers
    program = instruction(LOAD, 4) + instruction(JUMP_EQUAL, ARCHITECTURE, 1)
    program += instruction(RETURN, KILL_PROCESS) + instruction(LOAD, 0)
    return program + search(merged(sorted(ranges.items())))


def merged(ranges: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Merge neighbouring ranges with the same decision."""
    return [
        (first, verdict)
        for place, (first, verdict) in enumerate(ranges)
        if place == 0 or ranges[place - 1][1] != verdict
    ]


def seccomp(refused: frozenset[str] = frozenset()) -> bool:
    """Refuse the system calls that a computation does not need, and those named."""
    if platform.machine() not in ("x86_64", "aarch64"):
        return False
    program = ctypes.create_string_buffer(filter_program(os.getpid(), refused))
    count = len(program.raw) // 8
    header = struct.pack("HxxxxxxP", count, ctypes.addressof(program))
    try:
        call("prctl", PR_SET_SECCOMP, 2, header, 0, 0)
    except LayerError:
        return False
    return True
