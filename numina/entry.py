"""Shared by all entry points: paths from the command line, and how a process ends."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from numina import stage_times, terminal
from numina.errors import UserError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

FAILED, INTERRUPTED = 1, 130  # exit statuses; shells use the second for Ctrl-C
GRACE_S = 10  # how long an interrupted command may take to end
interrupted = threading.Event()


class Parser(argparse.ArgumentParser):
    """Shows its help and its errors to a person, not to the log."""

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        super().print_help(file or terminal.shown())

    def error(self, message: str) -> NoReturn:
        self.print_usage(terminal.shown())
        leave(f"{self.prog}: error: {message}", 2)


def paths(doc: str | None, *names: str) -> argparse.Namespace:
    """Parse the command line that dvc.yaml gives a stage: one required path a name."""
    parser = Parser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH")
    return parser.parse_args()


def begin() -> None:
    """Check the machine and take over Ctrl-C and SIGTERM, before anything slow is imported."""
    if sys.platform != "linux":
        leave(
            f"error: numina needs Linux, and this is {sys.platform}: its sandbox needs "
            "namespaces, Landlock and seccomp. On Windows use WSL2; on a Mac, a Linux machine.",
            FAILED,
        )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop_at_once)


def run(main: Callable[[], str | None]) -> None:
    """Run a stage: show a line of what it does, its progress bar, and a line with its result.

    What libraries print goes to ``logs/STAGE.log``.

    Args:
        main: the stage; it returns its result in words.
    """
    command(run_logged, main)


def run_logged(main: Callable[[], str | None]) -> None:
    """The log stays open to the end of the process: libraries print at their exit, too."""
    doc = (sys.modules[main.__module__].__doc__ or "").strip()
    log = terminal.open_log(Path(sys.argv[0]).stem)
    alone = "LOCAL_RANK" not in os.environ  # else the process that started this one says it
    if alone:
        terminal.say(f"{doc.partition(chr(10))[0]} (log: {log})")
    started = time.monotonic()
    if outcome := main():
        terminal.show_result(outcome)
    if alone:
        stage_times.note(time.monotonic() - started)


def command(main: Callable[..., object], *arguments: object) -> None:
    """Run a main function.

    A `UserError` is shown as its message alone, with exit status 1; Ctrl-C and SIGTERM end with
    status 130; a wrong command line has 2. Any other exception is a bug, shown with its traceback.
    """
    begin()
    try:
        call_interruptible(main, *arguments)
    except UserError as error:
        leave(f"error: {error}", FAILED)
    except KeyboardInterrupt:
        exec("")  # Python kills itself with SIGINT if its last `exec` of a text was interrupted
        leave("interrupted", INTERRUPTED)
    except Exception:
        if terminal.opened is None:
            raise
        traceback.print_exc()
        traceback.print_exc(file=terminal.shown())
        leave(f"what libraries printed is in {terminal.opened.file}", FAILED)


def call_interruptible(main: Callable[..., object], *arguments: object) -> None:
    """Call a function that a signal interrupts.

    Where the signal comes while a module is imported, Python can drop a KeyboardInterrupt or wrap
    it in another error, so it is raised once more at the end.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        main(*arguments)
    finally:
        if interrupted.is_set():
            raise KeyboardInterrupt


def leave(message: str, status: int) -> NoReturn:
    """Print the reason and exit."""
    print(message, file=terminal.shown(), flush=True)
    sys.exit(status)


def interrupt(*_: int | FrameType | None) -> None:
    """Interrupt the main thread wherever it is, also in an event loop.

    If that does not end the process, for example while a thread loads weights, it is killed.
    """
    interrupted.set()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop_at_once)
    # A task that this interrupts, or one that it leaves unstarted, is not a bug to report.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    sys.unraisablehook = report_dropped
    timer = threading.Timer(GRACE_S, stop_at_once)
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def report_dropped(dropped: sys.UnraisableHookArgs) -> None:
    """Report an error that Python cannot raise, as in a finalizer, unless it is the interrupt."""
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


def stop_at_once(*_: int | FrameType | None) -> None:
    """End the process at once."""
    os.write(terminal.shown().fileno(), b"interrupted\n")
    os._exit(INTERRUPTED)
