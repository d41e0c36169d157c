"""What a person sees: our own lines and bars, and not those of the libraries that we use.

While a log is open, all that this process and its children print goes to the log, whether Python or
C prints it; only what passes through here is shown.
"""

from __future__ import annotations

import faulthandler
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from numina.errors import UserError

FOLDER = Path("logs")  # in the folder that the command runs in
LARGEST = 8 * 2**20  # bytes; a longer log is begun anew


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


def shown() -> IO[str]:
    """The standard error that a person sees."""
    return opened.err if opened else sys.stderr


def is_terminal() -> bool:
    """Whether a person may be looking: standard error is a terminal."""
    return shown().isatty()


def say(text: str) -> None:
    """Show a line on standard error, above the bars that are there."""
    if is_terminal():
        from tqdm import tqdm

        tqdm.write(text, file=shown())
    else:
        print(text, file=shown())
    shown().flush()


def show_result(text: str) -> None:
    """Show what came out, on standard output."""
    print(text, file=opened.out if opened else sys.stdout, flush=True)


def open_log(name: str) -> Path:
    """Send to ``logs/NAME.log`` all that this process and its children print from now on.

    Of several processes that train together only the first shows anything.

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
    """A log for as long as the context lasts; where it ends by an exception, its path is said.

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
    """Write out what Python and C hold back for standard output and error."""
    import ctypes

    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
