"""The layers between a program and the machine, by the kernel's own interfaces.

The zygote calls `enter_namespaces`, imports what programs need, calls `hide_files`, and makes a
`Folder` a session, used again by the next one if it was left empty: mounting and writing rules is
most of a session's cost. Each session, forked from the zygote, calls `confine`. A layer that the
kernel refuses is reported as missing, and the caller decides. Linux only; elsewhere every layer but
the resource limits is missing.

Sources: namespaces(7), mount_setattr(2), landlock(7), seccomp(2), capset(2), getrlimit(2).
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import resource
import shutil
import signal
import struct
import sys
import sysconfig
from dataclasses import dataclass

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
NAMESPACES: tuple[str, ...] = (
    "user_namespace",
    "pid_namespace",
    "network_namespace",
    "ipc_namespace",
)
LAYERS = (*NAMESPACES, "mount_namespace", "landlock", "seccomp", "resource_limits")
SESSIONS = "/sessions"  # where sessions have their folders, once the machine's files are hidden

LINUX = sys.platform == "linux"
AARCH64 = platform.machine() == "aarch64"
libc = ctypes.PyDLL(None, use_errno=True)  # PyDLL: calls keep the interpreter's lock, for `fork`


class LayerError(OSError):
    """The kernel refuses a layer."""


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


# System calls by name: their numbers on x86-64 and on arm64, None where there is no such call.
# Sources: the kernel's syscall_64.tbl and asm-generic/unistd.h.
SYSCALLS: dict[str, tuple[int | None, int | None]] = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "pivot_root": (155, 41),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}
DENIED: dict[str, tuple[int | None, int | None]] = {
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


def number(name: str) -> int | None:
    """The number of a system call on this machine."""
    return (SYSCALLS.get(name) or DENIED[name])[AARCH64]


def syscall(name: str, *arguments: object) -> int:
    """Make a system call that libc has no function for.

    Raises:
        LayerError: it fails.
    """
    longs = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return call("syscall", ctypes.c_long(number(name) or -1), *longs)


def fork(namespaces: int) -> int:
    """Fork into new namespaces: clone(2) as `os.fork` calls it. For a single-threaded process."""
    if not namespaces:
        return os.fork()
    python = ctypes.pythonapi
    python.PyOS_BeforeFork()
    pid = libc.syscall(ctypes.c_long(number("clone") or -1), namespaces | signal.SIGCHLD, 0, 0, 0)
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0
    error = ctypes.get_errno()
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(error, f"clone: {os.strerror(error)}")
    return pid


def enter_namespaces() -> bool:
    """Leave the machine's users, network, IPC and mounts; PIDs from the next fork on."""
    if not LINUX:
        return False
    uid, gid = os.getuid(), os.getgid()
    try:
        call("unshare", NEWUSER | NEWPID | NEWNS | NEWNET | NEWIPC | NEWUTS)
    except LayerError:
        return False
    for file, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{file}", "w") as map_file:
            map_file.write(line)
    return True


@functools.cache
def readable() -> list[str]:
    """The folders that programs may read: Python's libraries and the system's."""
    wanted = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"}
    wanted |= {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found: list[str] = []
    for path in sorted(path for path in wanted if os.path.exists(path)):
        if not any(path.startswith(f"{above}/") for above in found if not os.path.islink(above)):
            found.append(path)
    return found


DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    call("mount", *(text.encode() for text in (source, target, kind)), flags, options.encode())


def hide_files(root: str) -> bool:
    """Replace the file system by one that has the readable folders alone, and those read-only.

    Args:
        root: an empty folder to build it in.
    """
    try:
        mount("none", "/", "", MS_REC | MS_PRIVATE)
        mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
        for path in readable():
            target = root + path
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.islink(path):
                os.symlink(os.readlink(path), target)
                continue
            os.makedirs(target)
            mount(path, target, "", MS_BIND | MS_REC)
        os.mkdir(root + "/dev")
        for path in DEVICES:
            open(root + path, "x").close()
            mount(path, root + path, "", MS_BIND)
        os.mkdir(root + SESSIONS)
        attributes = struct.pack("QQQQ", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
        syscall("mount_setattr", AT_FDCWD, root.encode(), AT_RECURSIVE, attributes, len(attributes))
        os.chdir(root)
        syscall("pivot_root", b".", b".")
        call("umount2", b".", MNT_DETACH)
        os.chdir("/")
        mount("tmpfs", SESSIONS, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    except OSError:
        return False
    return True


class Folder:
    """A session's own folder, with a limit on its size where mounts are ours to make.

    Args:
        path: where it is made.
        size_mb: what fits in it.
        mounted: whether it is a file system of its own.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: str, size_mb: int, mounted: bool) -> None:
        self.path, self.mounted = path, mounted
        os.mkdir(path, 0o700)
        if mounted:
            options = f"size={size_mb}m,nr_inodes=1k,mode=700"
            mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options)
        self.rules = landlock_rules(path)

    def is_empty(self) -> bool:
        return not os.listdir(self.path)

    def remove(self) -> None:
        if self.rules is not None:
            os.close(self.rules)
        if self.mounted:
            call("umount2", self.path.encode(), MNT_DETACH)
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True)
class Limits:
    """What a session may use."""

    memory_mb: int
    cpu_s: int
    file_mb: int
    open_files: int


def confine(limits: Limits, layers: dict[str, bool], folder: Folder) -> dict[str, bool]:
    """Take from this process, a session, all that a computation does not need.

    Args:
        limits: what it may use.
        layers: which layers the zygote has put on.
        folder: the session's own.

    Returns:
        All layers, by name: whether it is on.

    Raises:
        OSError: its folder cannot be set apart from those of other sessions.
    """
    os.chdir(folder.path)
    os.environ["TMPDIR"] = folder.path
    found = dict(layers)
    found["resource_limits"] = limit_resources(limits, layers["user_namespace"])
    found["landlock"] = found["seccomp"] = False
    if LINUX:
        call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        found["landlock"] = landlock(folder.rules)
        if layers["mount_namespace"] and not found["landlock"]:
            call("unshare", NEWNS)
            mount(folder.path, SESSIONS, "", MS_BIND)  # over those of the others
            os.chdir(SESSIONS)
            os.environ["TMPDIR"] = SESSIONS
        drop_capabilities()
        found["seccomp"] = seccomp()
    return found


def limit_resources(limits: Limits, own_user: bool) -> bool:
    """Limits that the kernel keeps; memory counts from what the process already holds."""
    wanted = {
        resource.RLIMIT_AS: HELD + limits.memory_mb * 2**20,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_FSIZE: limits.file_mb * 2**20,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    if own_user:  # elsewhere the user's other processes would count
        wanted[resource.RLIMIT_NPROC] = 64
    kept = True
    for kind, limit in wanted.items():
        try:
            resource.setrlimit(kind, (limit, limit))
        except (ValueError, OSError):  # e.g. macOS has no RLIMIT_AS to set
            kept = False
    return kept


def pages_held() -> int:
    """Address space of this process, in bytes."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


HELD = 0  # what the zygote holds; it sets this while it can still read /proc


PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
CAPABILITY_VERSION_3 = 0x20080522


def drop_capabilities() -> None:
    """Give up the power over the namespaces that a new user namespace brings."""
    call("capset", struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24))


# Landlock: rights on files by the ABI that brought them, landlock(7).
READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, read a folder
ON_A_FILE = 1 << 1 | 1 << 2 | 1 << 14  # write, read, truncate
SPECIAL = 1 << 6 | 1 << 9 | 1 << 11  # make devices and sockets


def landlock_rules(folder: str) -> int | None:
    """A set of rules: read the readable folders, write in `folder`; no TCP; no way to others."""
    if not LINUX:
        return None
    try:
        abi = syscall("landlock_create_ruleset", 0, 0, 1)
        files = (1 << 13) - 1
        files |= (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15
        attributes = struct.pack("QQQ", files, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
        size = 24 if abi >= 6 else 16 if abi >= 4 else 8
        rules = syscall("landlock_create_ruleset", attributes, size, 0)
        allowed = dict.fromkeys(readable(), READ & files)
        allowed |= {path: ON_A_FILE & files for path in DEVICES if os.path.exists(path)}
        allowed[folder] = files & ~SPECIAL
        for path, rights in allowed.items():
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            syscall("landlock_add_rule", rules, 1, struct.pack("=Qi", rights, place), 0)
            os.close(place)
    except LayerError:
        return None
    return rules


def landlock(rules: int | None) -> bool:
    """Put the rules on."""
    if rules is None:
        return False
    try:
        syscall("landlock_restrict_self", rules, 0)
    except LayerError:
        return False
    return True


# Seccomp: a classic BPF program over (number, architecture, arguments), seccomp(2).
LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
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
    # clone and clone3 also make threads, which would escape the limits on a process.
    for name in ("clone", *DENIED):
        if (denied := number(name)) is not None:
            program += instruction(JUMP_EQUAL, denied, 0, 1) + instruction(RETURN, DENY)
    program += instruction(JUMP_EQUAL, number("clone3") or 0, 0, 1)
    program += instruction(RETURN, NO_SUCH_CALL)
    for name, allowed in (
        ("kill", (pid,)),
        ("tkill", (pid,)),
        ("tgkill", (pid,)),
        ("prlimit64", (0, pid)),
    ):
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
