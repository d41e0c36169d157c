"""What a person sees: our own lines and bars, and not those of the libraries that we use.

While a log is open, everything that this process and its children print goes to the log, from
Python and from C; only what passes through this module is shown.
"""

from __future__ import annotations

import faulthandler
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from numina.errors import UserError

FOLDER = Path("logs")  # in the folder that the command runs in
LARGEST = 8 * 2**20  # bytes; a longer log is started afresh


@dataclass(slots=True)
class Log:
    """An open log, and what standard output and error were before.

    Attributes:
        file: the log's path.
        out, err: the real standard output and error.
    """

    file: Path
    out: IO[str]
    err: IO[str]


opened: Log | None = None  # a process has one standard error, so one log
pass_on: Callable[[str], object] | None = None  # shows what this process says, in another one


def shown() -> IO[str]:
    """The standard error that a person sees."""
    return opened.err if opened else sys.stderr


def is_terminal() -> bool:
    """Whether a person may be looking: standard error is a terminal."""
    return shown().isatty()


def say(text: str) -> None:
    """Show a line on standard error, above any progress bars."""
    if pass_on:
        pass_on(text)
        return
    if is_terminal():
        from tqdm import tqdm

        tqdm.write(text, file=shown())
    else:
        print(text, file=shown())
    shown().flush()


def printable(text: str) -> str:
    """A text without the control characters that a model's or a file's text may contain."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}"
        for sign in text.expandtabs(4)
    )


def show_result(text: str) -> None:
    """Show a result, on standard output."""
    print(text, file=opened.out if opened else sys.stdout, flush=True)


def open_log(name: str) -> Path:
    """From now on, send everything that this process and its children print to ``logs/NAME.log``.

    If several processes train together, only the first shows anything.

    Returns:
        The log's path.

    Raises:
        UserError: it cannot be written.
    """
    global opened
    path = FOLDER / f"{name}.log"
    try:
        path.parent.mkdir(exist_ok=True)
        mode = "w" if path.exists() and path.stat().st_size > LARGEST else "a"
        with path.open(mode, encoding="utf-8") as file:
            file.write(f"== {time.strftime('%Y-%m-%d %H:%M:%S')} {shlex.join(sys.argv)}\n")
            file.flush()
            flush_standard()
            real = [os.dup(descriptor) for descriptor in (1, 2)]
            for descriptor in (1, 2):
                os.dup2(file.fileno(), descriptor)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    silent = os.environ.get("RANK", "0") != "0"
    out, err = (
        os.fdopen(os.open(os.devnull, os.O_WRONLY) if silent else descriptor, "w", errors="replace")
        for descriptor in real
    )
    opened = Log(path, out, err)
    faulthandler.enable(opened.err)
    return path


def close_log() -> None:
    """Give standard output and error back."""
    global opened
    if opened is None:
        return
    flush_standard()
    faulthandler.disable()
    for descriptor, real in ((1, opened.out), (2, opened.err)):
        real.flush()
        os.dup2(real.fileno(), descriptor)
        real.close()
    opened = None


@contextmanager
def libraries_logged(name: str) -> Iterator[Path]:
    """A log for as long as the context lasts; if it ends by an exception, its path is shown.

    Raises:
        UserError: the log cannot be written.
    """
    path = open_log(name)
    try:
        yield path
    except UserError:
        raise
    except Exception:
        say(f"what libraries printed is in {path}")
        raise
    finally:
        close_log()


def flush_standard() -> None:
    """Flush what Python and C have buffered for standard output and error."""
    import ctypes

    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
