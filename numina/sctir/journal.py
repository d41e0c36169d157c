"""The journal: every finished trace, on disk before its vote counts."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from numina.errors import UserError
from numina.records.trace import Trace
from numina.resume import locked


class Kept(Protocol):
    """What solving needs of a journal: a `Journal`, or that of another process."""

    def of(self, problem_id: str, seed: int) -> list[Trace]: ...

    def add(self, trace: Trace) -> None: ...


class Journal:
    """An append-only file of traces, a JSON line each. Use it as a context manager.

    Traces that a killed run had finished are there when it is opened again. A last line without a
    line end, which a kill may leave, is dropped; if a trace is on file twice, the first counts.

    Args:
        path: the file, in a folder of its own; both are made if they are missing.

    Attributes:
        finished: the traces on file, by problem and seed, then by index, in the order in which they
            finished.

    Raises:
        UserError: on entering, another run has it, or a line before the last is not a trace, with
            the file and its number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.finished: dict[tuple[str, int], dict[int, Trace]] = {}

    def __enter__(self) -> Journal:
        with ExitStack() as opened:
            opened.enter_context(locked(self.path.parent))
            self.file = opened.enter_context(self.path.open("a+b"))
            self.read()
            self.opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.close()

    def read(self) -> None:
        """Read what is on file, and cut off a last line without its end."""
        self.file.seek(0)
        whole = 0
        for number, line in enumerate(self.file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                trace = Trace(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise UserError(
                    f"{self.path}, line {number}: not a trace ({error}); remove it"
                ) from None
            self.keep(trace)
            whole += len(line)
        self.file.truncate(whole)

    def keep(self, trace: Trace) -> None:
        self.finished.setdefault((trace.problem_id, trace.seed), {}).setdefault(trace.index, trace)

    def of(self, problem_id: str, seed: int) -> list[Trace]:
        """The finished traces of a problem, in the order in which they finished."""
        return list(self.finished.get((problem_id, seed), {}).values())

    def add(self, trace: Trace) -> None:
        """Put a finished trace on disk."""
        line = json.dumps(dataclasses.asdict(trace), ensure_ascii=False)
        self.file.write(line.encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.keep(trace)

    def remove(self) -> None:
        """Remove the file, once its purpose is served."""
        shutil.rmtree(self.path.parent)
