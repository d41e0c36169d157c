"""The filter that refuses the system calls which a computation does not need."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import struct

from numina.sandbox.kernel import AARCH64, SYSCALLS, LayerError, Numbers, call, number

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

# Seccomp: a classic BPF program over (number, architecture, arguments), seccomp(2).
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
DENY, NO_SUCH_CALL = 0x00050001, 0x00050026  # with EPERM, with ENOSYS
ARCHITECTURE = 0xC00000B7 if AARCH64 else 0xC000003E
FIRST_ARGUMENT = 16  # its offset; on these machines the low half stands first


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


@functools.cache
def filter_program(pid: int) -> bytes:
    """The filter of the process `pid`: what is denied fails with EPERM, the rest is allowed."""
    program = instruction(LOAD, 4) + instruction(JUMP_EQUAL, ARCHITECTURE, 1)
    program += instruction(RETURN, KILL_PROCESS) + instruction(LOAD, 0)
    if not AARCH64:  # the x32 numbers would pass by the list
        program += instruction(JUMP_AT_LEAST, 0x40000000, 0, 1) + instruction(RETURN, NO_SUCH_CALL)
    # clone and clone3 make threads too: a session is one process with one thread, so that the
    # limits on it are the whole of what it can take.
    for name in ("clone", *DENIED):
        if (denied := number(name)) is not None:
            program += instruction(JUMP_EQUAL, denied, 0, 1) + instruction(RETURN, DENY)
    program += instruction(JUMP_EQUAL, number("clone3") or 0, 0, 1)
    program += instruction(RETURN, NO_SUCH_CALL)
    on_itself = {"kill": [pid], "tkill": [pid], "tgkill": [pid], "prlimit64": [0, pid]}
    for name, allowed in on_itself.items():
        body = instruction(LOAD, FIRST_ARGUMENT)
        for value in allowed:
            body += instruction(JUMP_EQUAL, value, 0, 1) + instruction(RETURN, ALLOW)
        body += instruction(RETURN, DENY)
        program += instruction(JUMP_EQUAL, number(name) or 0, 0, len(body) // 8) + body
    return program + instruction(RETURN, ALLOW)


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
