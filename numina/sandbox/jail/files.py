"""Limit the files that a program can see: a file system built for it, mount(2)."""

from __future__ import annotations

import contextlib
import functools
import glob
import itertools
import os
import secrets
import struct
import sysconfig
from collections.abc import Sequence

from numina.sandbox.jail.kernel import call, syscall

# After the machine's files are hidden: the place of the sessions' folders, of a session's own
# folder, and of the installed packages, so that their real path does not show the project's.
SESSIONS, OWN, LIBRARIES = "/sessions", "/tmp", "/libraries"


@functools.cache
def readable() -> list[str]:
    """The folders that programs may read besides the packages: Python's and the system's."""
    wanted = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo"}
    wanted |= {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found: list[str] = []
    for path in sorted(path for path in wanted if os.path.exists(path)):
        if not any(path.startswith(f"{above}/") for above in found if not os.path.islink(above)):
            found.append(path)
    return found


# Files of packages that name the folder of a project installed in place.
TELLING = ("__editable__*", "__pycache__/__editable__*", "*.dist-info/direct_url.json")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
MNT_DETACH = 2
NEWNS = 0x00020000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    call("mount", *(text.encode() for text in (source, target, kind)), flags, options.encode())


def hide_files(root: str, libraries: Sequence[str]) -> bool:
    """Replace the file system by one that has only the readable folders, read-only.

    Args:
        root: an empty folder to build it in.
        libraries: folders of packages, which are then under `LIBRARIES` by number.
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
        for place, path in enumerate(libraries):
            target = f"{root}{LIBRARIES}/{place}"
            os.makedirs(target)
            mount(path, target, "", MS_BIND | MS_REC)
            for name in (name for names in TELLING for name in glob.iglob(names, root_dir=path)):
                mount("/dev/null", f"{target}/{name}", "", MS_BIND)
        os.mkdir(root + "/dev")
        for path in DEVICES:
            open(root + path, "x").close()
            mount(path, root + path, "", MS_BIND)
        os.mkdir(root + SESSIONS)
        os.mkdir(root + OWN)
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


def enter_folder(path: str, apart: bool) -> None:
    """Show the folder to this process at `OWN` and, if `apart`, hide those of other sessions."""
    call("unshare", NEWNS)
    mount(path, OWN, "", MS_BIND)
    if apart:
        mount(path, SESSIONS, "", MS_BIND)  # hides those of the others
    os.chdir(OWN)


def remove_tree(path: str) -> None:
    """Remove a folder of any depth: no recursion, no long paths."""
    names = (f"{secrets.token_hex(8)}-{number}" for number in itertools.count())
    with contextlib.suppress(OSError):
        while entries := list(os.scandir(path)):
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry)
                    continue
                os.chmod(entry, 0o700)
                for inner in os.listdir(entry):
                    os.rename(os.path.join(entry, inner), os.path.join(path, next(names)))
                os.rmdir(entry)
        os.rmdir(path)
