"""Run a Python module in a process of its own, with a time limit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GRACE_S = 20  # to end after SIGTERM


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        status: its exit status; None if it was ended at the time limit.
        last_line: the last line that it printed.
    """

    status: int | None
    last_line: str


def run_limited(
    module: str,
    arguments: Sequence[str],
    limit_s: float,
    *,
    python: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a module to its end or to the limit; whatever it started ends with it, and with us.

    Args:
        module: its dotted name.
        arguments: of its command line.
        limit_s: seconds.
        python: the interpreter; None for this one.
        environment: variables to add.
    """
    command = [str(python or sys.executable), "-m", module, *arguments]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        status: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                status = process.wait(limit_s)
        finally:
            end(process)
        said.seek(0)
        text = said.read().decode(errors="replace")
    sys.stderr.write(text)  # to the log of the stage
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return Ended(status, lines[-1] if lines else "")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
