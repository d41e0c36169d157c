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
import resource
import shutil
import signal
import struct
import sysconfig
from dataclasses import dataclass

from numina.sandbox.kernel import LINUX, LayerError, call, libc, number, syscall
from numina.sandbox.seccomp import seccomp

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

    def as_new(self) -> bool:
        """Whether the next session can have it: nothing is in it, and its mode is what it was."""
        try:
            os.chmod(self.path, 0o700)
            return not os.listdir(self.path)
        except OSError:
            return False

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
