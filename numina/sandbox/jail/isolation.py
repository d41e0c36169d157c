"""The layers between a program and the machine, by the kernel's own interfaces.

The zygote calls `enter_namespaces` and `hide_files`, imports what programs need, and makes a
`Folder` a session, used again by the next one if it was left empty: mounting and writing rules is
most of a session's cost. Each session, forked from the zygote, calls `confine`. A layer that the
kernel refuses is reported as missing, and the caller decides. Linux only; elsewhere every layer but
the resource limits is missing.

Sources: namespaces(7), mount_setattr(2), landlock(7), seccomp(2), capset(2), getrlimit(2).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from numina.sandbox.jail.files import (
    DEVICES,
    MNT_DETACH,
    MS_NODEV,
    MS_NOSUID,
    NEWNS,
    OWN,
    enter_folder,
    mount,
    readable,
    remove_tree,
)
from numina.sandbox.jail.files import (
    hide_files as hide_files,  # the zygote's, beside the other layers
)
from numina.sandbox.jail.kernel import LINUX, LayerError, call, libc, number, syscall
from numina.sandbox.jail.seccomp import seccomp

NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
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


HOST = "sandbox"  # the machine's name, as programs see it


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
    maps = {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}
    for file, line in maps.items():
        with open(f"/proc/self/{file}", "w") as map_file:
            map_file.write(line)
    call("sethostname", HOST.encode(), len(HOST))
    call("setdomainname", b"", 0)
    return True


class Folder:
    """A session's own folder, with a limit on its size where mounts are ours to make.

    Args:
        path: where it is made.
        size_mb: what fits in it.
        mounted: whether it is a file system of its own.
        libraries: folders of packages that its session may read.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: str, size_mb: int, mounted: bool, libraries: Sequence[str]) -> None:
        self.path, self.mounted = path, mounted
        os.mkdir(path, 0o700)
        if mounted:
            options = f"size={size_mb}m,nr_inodes=1k,mode=700"
            mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options)
        os.utime(path, (0, 0))  # until something is made in it, which no session can undo
        self.rules = landlock_rules(path, libraries)

    def as_new(self) -> bool:
        """Whether the next session can have it, as one in which nothing was ever made or read."""
        try:
            found = os.stat(self.path)
            if found.st_mtime or stat.S_IMODE(found.st_mode) != 0o700 or os.listdir(self.path):
                return False
            if LINUX and os.listxattr(self.path):
                return False
            os.utime(self.path, (0, 0))
        except OSError:
            return False
        return True

    def remove(self) -> None:
        if self.rules is not None:
            os.close(self.rules)
        if self.mounted:
            call("umount2", self.path.encode(), MNT_DETACH)
        remove_tree(self.path)


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
    found = dict(layers)
    found["resource_limits"] = limit_resources(limits, layers["user_namespace"])
    found["landlock"] = found["seccomp"] = False
    home = folder.path
    if layers["mount_namespace"]:
        enter_folder(folder.path, apart=folder.rules is None)
        home = OWN
    else:
        os.chdir(folder.path)
    os.environ["TMPDIR"] = os.environ["HOME"] = home
    if LINUX:
        call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        found["landlock"] = landlock(folder.rules)
        drop_capabilities()
        found["seccomp"] = seccomp(refused(layers))
    return found


def refused(layers: dict[str, bool]) -> frozenset[str]:
    """The system calls that would tell what the missing namespaces hide."""
    names = [] if layers["user_namespace"] else ["uname"]
    names += [] if layers["mount_namespace"] else ["readlink", "readlinkat"]
    return frozenset(names)


DESCRIPTORS = 65536


def limit_resources(limits: Limits, own_user: bool) -> bool:
    """Limits that the kernel keeps; memory counts from what the process already holds."""
    wanted = {
        resource.RLIMIT_AS: HELD + limits.memory_mb * 2**20,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_FSIZE: limits.file_mb * 2**20,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    if LINUX:  # of the kernel's memory, most of which is counted by user and not by process
        wanted |= {
            resource.RLIMIT_MEMLOCK: 0,
            resource.RLIMIT_MSGQUEUE: 0,
            resource.RLIMIT_SIGPENDING: 64,
            resource.RLIMIT_NICE: 0,
            resource.RLIMIT_RTPRIO: 0,
        }
    if own_user:  # elsewhere the user's other processes would count
        wanted[resource.RLIMIT_NPROC] = 64
    kept = True
    for kind, limit in wanted.items():
        try:
            # A second after the signal that says why, which a program may ignore, it is killed.
            hard = limit + 1 if kind == resource.RLIMIT_CPU else limit
            resource.setrlimit(kind, (limit, hard))
        except (ValueError, OverflowError, OSError):  # e.g. macOS has no RLIMIT_AS to set
            kept = False
    return kept


STACK = 512 * 2**20  # bytes; a recursion 50,000 deep by way of C takes about a tenth


def enlarge_stack() -> None:
    """Start this program anew with room for deep recursion: the kernel sets it at the start."""
    soft, most = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = STACK if most == resource.RLIM_INFINITY else min(most, STACK)
    if soft == resource.RLIM_INFINITY or soft < wanted:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, most))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def allow_descriptors() -> None:
    """Raise this process's own limit on open files: a session takes some, at both ends."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def bytes_held(statm: TextIO) -> int:
    """Address space of this process, by its open /proc/self/statm."""
    statm.seek(0)
    return int(statm.read().split()[0]) * resource.getpagesize()


HELD = 0  # what the zygote holds, which sets this


PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CAPABILITY_VERSION_3 = 0x20080522


def die_with_parent(parent: int) -> None:
    """Be killed when the process `parent`, which forked this one, ends; or if it has ended."""
    if LINUX:
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() not in (0, parent):  # 0: it is outside of the PID namespace
        os._exit(0)


def drop_capabilities() -> None:
    """Give up the power over the namespaces that a new user namespace brings."""
    call("capset", struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24))


# Landlock: rights on files by the ABI that brought them, landlock(7).
READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, read a folder
ON_A_FILE = 1 << 1 | 1 << 2 | 1 << 14  # write, read, truncate
SPECIAL = 1 << 6 | 1 << 9 | 1 << 11  # make devices and sockets


def landlock_rules(folder: str, libraries: Sequence[str]) -> int | None:
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
        allowed = dict.fromkeys([*readable(), *libraries], READ & files)
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
