"""Show a session's folder as /tmp where no mount namespace can: in Python's own functions.

Only for convenience: what a program may write is decided by Landlock.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
from collections.abc import Callable
from typing import Any

from numina.sandbox.jail.files import OWN

# Functions of `os` that take one path, and two.
ONE = (
    *("access", "chdir", "chmod", "chown", "listdir", "listxattr", "lstat", "mkdir", "open"),
    *("pathconf", "readlink", "remove", "rmdir", "scandir", "stat", "statvfs", "truncate"),
    *("unlink", "utime"),
)
TWO = ("link", "rename", "replace", "symlink")


class Shown:
    """What is shown as /tmp.

    Attributes:
        folder: the session's folder.
        above: the zygote's folder, which is itself in /tmp and stays as it is.
    """

    folder = above = ""


def real(path: Any) -> Any:
    """The path that a program means."""
    if isinstance(path, int) or not Shown.above:
        return path
    try:
        found = os.fspath(path)
        text = os.path.normpath(os.fsdecode(found))
    except (TypeError, ValueError):
        return path
    if text == Shown.above or text.startswith(f"{Shown.above}/"):
        return path
    if text != OWN and not text.startswith(f"{OWN}/"):
        return path
    text = Shown.folder + text[len(OWN) :]
    return os.fsencode(text) if isinstance(found, bytes) else text


def redirected(function: Callable[..., Any], paths: int) -> Callable[..., Any]:
    """A function whose first arguments are paths."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        return function(*map(real, arguments[:paths]), *arguments[paths:], **named)

    return call


def show_as_tmp(above: str) -> None:
    """Change Python's functions; each session then sets `Shown.folder`.

    Args:
        above: the zygote's folder.
    """
    Shown.above = above
    for names, paths in ((ONE, 1), (TWO, 2)):
        for name in names:
            function = getattr(os, name)
            changed = redirected(function, paths)
            setattr(os, name, changed)
            for supporting in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
                if function in supporting:
                    supporting.add(changed)
    io.open = builtins.open = redirected(io.open, 1)
