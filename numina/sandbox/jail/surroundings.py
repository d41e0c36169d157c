"""Make Python look to a program as it does to a script, without details of the machine."""

from __future__ import annotations

import functools
import io
import os
import platform
import shutil
import site
import socket
import sys
import types
import warnings
from collections.abc import Sequence

NAME = "program.py"  # the file name that programs see for themselves


def settle(libraries: Sequence[str], above: str) -> None:
    """Make the zygote's Python look as if it had been started with a program.

    Args:
        libraries: folders of packages, as sessions see them.
        above: the folder of the zygote's code, which is removed from the module path.
    """
    sys.path[:] = [place for place in sys.path if not place.startswith(above)] + [*libraries]
    sys.path_importer_cache.clear()
    sys.argv = [NAME]
    sys.executable = sys._base_executable = "python3"  # pyright: ignore[reportAttributeAccessIssue]
    sys.orig_argv[:] = [sys.executable, NAME]
    sys.set_int_max_str_digits(0)  # the time limit is enough
    platform._uname_cache = None  # pyright: ignore[reportAttributeAccessIssue] (it holds the name)
    site.setquit()  # the rest of `site` does not run
    site.setcopyright()
    site.sethelper()
    # The model sees a few hundred characters: warnings would displace results.
    warnings._showwarnmsg_impl = lambda _: None  # pyright: ignore[reportAttributeAccessIssue]
    # A session cannot set the mode or times of a file, so copying must not try to.
    shutil.copymode = shutil.copystat = lambda *_, **__: None


def main_module() -> types.ModuleType:
    """The module of a session's program, which can import modules that it writes."""
    program = types.ModuleType("__main__")
    program.__file__ = os.path.join(os.environ["HOME"], NAME)
    sys.modules["__main__"] = program  # pickle looks a program's own classes up there
    sys.path.insert(0, os.environ["HOME"])
    return program


def hide_name(name: str) -> None:
    """Return this machine name, for when no namespace does and the system call is refused."""
    true = os.uname()
    answer = os.uname_result((true.sysname, name, true.release, true.version, true.machine))
    os.uname = lambda: answer
    socket.gethostname = lambda: name


def hide_links() -> None:
    """Report that no path is a link, for when the system call that reads links is refused."""
    os.path.realpath = lambda filename, *, strict=False: os.path.abspath(filename)


class WholeWrites(io.FileIO):
    """A file that writes all of its data, even if the system takes a part at a time."""

    def write(self, data: object, /) -> int:
        rest = memoryview(data).cast("B")  # pyright: ignore[reportArgumentType]
        size = len(rest)
        while rest and (taken := super().write(rest)) is not None:
            rest = rest[taken:]
        return size


def open_output(descriptor: int) -> io.TextIOWrapper:
    """An unbuffered stream: a program may be killed in the middle of a line."""
    raw = WholeWrites(descriptor, "w", closefd=False)
    return io.TextIOWrapper(raw, "utf-8", "replace", write_through=True)  # pyright: ignore[reportArgumentType]


@functools.cache
def first_output() -> io.TextIOWrapper:
    """The stream of a session's first block, which the zygote opens for all of them."""
    return open_output(1)
