"""The filter that refuses the system calls which a computation does not need."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import struct
from collections.abc import Sequence
from typing import NamedTuple

from numina.sandbox.jail.kernel import AARCH64, SYSCALLS, LayerError, Numbers, call, number

PR_SET_SECCOMP = 22

DENIED: Numbers = {
    # no network, no local sockets either
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "bind": (49, 200),
    "listen": (50, 201),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "recvmsg": (47, 212),
    # no other process and no other program
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "timer_create": (222, 107),
    "unshare": (272, 97),
    "setns": (308, 268),
    # no memory that the limits do not count
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "splice": (275, 76),
    "vmsplice": (278, 75),
    "tee": (276, 77),
    # nothing but contents of files: what it may do to a path does not stop these, and they would
    # speak to other sessions, and change files of the user where there is no mount namespace
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
    # no change of the machine
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "statmount": (457, 457),
    "listmount": (458, 458),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "acct": (163, 89),
    "syslog": (103, 116),
    "iopl": (172, None),
    "ioperm": (173, None),
    "personality": (135, 92),
    # no corner of the kernel that a computation does not need
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
SYSCALLS |= DENIED
NEWEST = 470  # the last system call that this list was written with


class Rule(NamedTuple):
    """Which values of one argument are let through (or, not `allows`, refused) in a call."""

    argument: int
    values: tuple[int, ...]
    allows: bool


F_SETOWN, F_SETSIG, F_SETOWN_EX = 8, 10, 15  # a signal of one's choice to a process of choice
FIOSETOWN, SIOCSPGRP = 0x8901, 0x8902  # the same for sockets
PR_SET_PDEATHSIG = 1  # off, the session would outlive its zygote


def rules(pid: int) -> dict[str, Rule]:
    """What the process `pid` may do by calls that are needed for some of what they do."""
    return {
        "kill": Rule(0, (pid,), True),
        "tkill": Rule(0, (pid,), True),
        "tgkill": Rule(0, (pid,), True),
        "prlimit64": Rule(0, (0, pid), True),
        "fcntl": Rule(1, (F_SETOWN, F_SETSIG, F_SETOWN_EX), False),
        "ioctl": Rule(1, (FIOSETOWN, SIOCSPGRP), False),
        "prctl": Rule(0, (PR_SET_PDEATHSIG,), False),
    }


# Seccomp: a classic BPF program over (number, architecture, arguments), seccomp(2).
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
DENY, NO_SUCH_CALL = 0x00050001, 0x00050026  # with EPERM, with ENOSYS
ARCHITECTURE = 0xC00000B7 if AARCH64 else 0xC000003E
ARGUMENTS = 16  # their offset, 8 bytes each; on these machines the low half stands first


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def by_argument(rule: Rule) -> bytes:
    """A program that decides on one argument; all of these are 32 bits wide to the kernel."""
    match, other = (ALLOW, DENY) if rule.allows else (DENY, ALLOW)
    body = instruction(LOAD, ARGUMENTS + 8 * rule.argument)
    for value in rule.values:
        body += instruction(JUMP_EQUAL, value, 0, 1) + instruction(RETURN, match)
    return body + instruction(RETURN, other)


def search(ranges: Sequence[tuple[int, bytes]]) -> bytes:
    """A program that finds by halves the range which a number is in, and decides as that does.

    The kernel tries a new filter on each number there is, so a list that is gone through from its
    start would be most of a session's cost.

    Args:
        ranges: the first number of each, ascending, and the program that decides in it.
    """
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = search(ranges[:middle]), search(ranges[middle:])
    return instruction(JUMP_AT_LEAST, ranges[middle][0], len(below) // 8, 0) + below + above


@functools.cache
def filter_program(pid: int) -> bytes:
    """The filter of the process `pid`: what is denied fails with EPERM, the rest is allowed."""
    # clone and clone3 make threads too: a session is one process with one thread, so that the
    # limits on it are the whole of what it can take.
    deny, no_such_call = instruction(RETURN, DENY), instruction(RETURN, NO_SUCH_CALL)
    verdicts = {number(name): deny for name in ("clone", *DENIED)}
    verdicts |= {number(name): by_argument(rule) for name, rule in rules(pid).items()}
    verdicts[number("clone3")] = no_such_call  # so that libc tries clone
    ranges = {0: instruction(RETURN, ALLOW)}
    for place, verdict in sorted((n, verdict) for n, verdict in verdicts.items() if n is not None):
        ranges[place] = verdict
        ranges.setdefault(place + 1, instruction(RETURN, ALLOW))
    ranges[NEWEST + 1] = no_such_call  # the x32 numbers too
    program = instruction(LOAD, 4) + instruction(JUMP_EQUAL, ARCHITECTURE, 1)
    program += instruction(RETURN, KILL_PROCESS) + instruction(LOAD, 0)
    return program + search(merged(sorted(ranges.items())))


def merged(ranges: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The same with neighbours that decide alike as one."""
    return [
        (first, verdict)
        for place, (first, verdict) in enumerate(ranges)
        if place == 0 or ranges[place - 1][1] != verdict
    ]


def seccomp() -> bool:
    """Refuse the system calls that a computation does not need."""
    if platform.machine() not in ("x86_64", "aarch64"):
        return False
    program = ctypes.create_string_buffer(filter_program(os.getpid()))
    count = len(program.raw) // 8
    header = struct.pack("HxxxxxxP", count, ctypes.addressof(program))
    try:
        call("prctl", PR_SET_SECCOMP, 2, header, 0, 0)
    except LayerError:
        return False
    return True
