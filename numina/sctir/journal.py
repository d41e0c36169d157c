"""The journal: every finished trace, on disk before its vote counts."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

from numina.errors import UserError
from numina.records.trace import Trace


class Journal:
    """An append-only file of traces, a JSON line each. Use it as a context manager.

    What a run that was killed had finished is there when it is opened again. A last line without
    its end, which a kill leaves, is dropped.

    Args:
        path: the file; it and its folder are made where they are missing.

    Attributes:
        finished: the traces on file, by problem and seed, in the order in which they finished.

    Raises:
        UserError: a line before the last is no trace, with the file and its number.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.file = path.open("a+b")
        self.file.seek(0)
        self.finished: dict[tuple[str, int], list[Trace]] = {}
        whole = 0
        for number, line in enumerate(self.file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                trace = Trace(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise UserError(f"{path}, line {number}: no trace ({error}); remove it") from None
            self.finished.setdefault((trace.problem_id, trace.seed), []).append(trace)
            whole += len(line)
        self.file.truncate(whole)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def of(self, problem_id: str, seed: int) -> list[Trace]:
        """The finished traces of a problem, in the order in which they finished."""
        return list(self.finished.get((problem_id, seed), []))

    def add(self, trace: Trace) -> None:
        """Put a finished trace on disk."""
        line = json.dumps(dataclasses.asdict(trace), ensure_ascii=False)
        self.file.write(line.encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def remove(self) -> None:
        """Forget it, once what it was for is done."""
        self.path.unlink()
