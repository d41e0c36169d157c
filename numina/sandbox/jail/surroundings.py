"""What a program finds around it: Python as a script has it, and nothing of the machine's."""

from __future__ import annotations

import io
import os
import platform
import shutil
import site
import socket
import sys
import warnings
from collections.abc import Sequence

NAME = "program.py"  # what programs take for the name of their file


def settle(libraries: Sequence[str], above: str) -> None:
    """Make the zygote's Python one that a program could have been started with.

    Args:
        libraries: folders of packages, as sessions see them.
        above: the folder that the zygote came from, which is no place for modules from here on.
    """
    sys.path[:] = [place for place in sys.path if not place.startswith(above)] + [*libraries]
    sys.path_importer_cache.clear()
    sys.argv = [NAME]
    sys.executable = sys._base_executable = "python3"  # pyright: ignore[reportAttributeAccessIssue]
    sys.orig_argv[:] = [sys.executable, NAME]
    sys.set_int_max_str_digits(0)  # the clock is limit enough
    platform._uname_cache = None  # pyright: ignore[reportAttributeAccessIssue] (it has the name)
    site.setquit()  # it runs without the rest of `site`
    site.setcopyright()
    site.sethelper()
    # The model is shown a few hundred characters: warnings would take the place of results.
    warnings._showwarnmsg_impl = lambda _: None  # pyright: ignore[reportAttributeAccessIssue]
    # A session may set no mode and no time of a file, so that copies have none to take over.
    shutil.copymode = shutil.copystat = lambda *_, **__: None


def hide_name(name: str) -> None:
    """Answer as a machine of this name, where no namespace does and the system call is refused."""
    true = os.uname()
    answer = os.uname_result((true.sysname, name, true.release, true.version, true.machine))
    os.uname = lambda: answer
    socket.gethostname = lambda: name


def hide_links() -> None:
    """Answer as where no link is, where the system call that reads one is refused."""
    os.path.realpath = lambda filename, *, strict=False: os.path.abspath(filename)


class WholeWrites(io.FileIO):
    """A file that takes all of what it is given, where the system takes a part at a time."""

    def write(self, data: object, /) -> int:
        rest = memoryview(data).cast("B")  # pyright: ignore[reportArgumentType]
        size = len(rest)
        while rest and (taken := super().write(rest)) is not None:
            rest = rest[taken:]
        return size


def open_output(descriptor: int) -> io.TextIOWrapper:
    """A stream that keeps nothing back: a program may be killed in the middle of a line."""
    raw = WholeWrites(descriptor, "w", closefd=False)
    return io.TextIOWrapper(raw, "utf-8", "replace", write_through=True)  # pyright: ignore[reportArgumentType]
