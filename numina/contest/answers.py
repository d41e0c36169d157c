"""The answers that a contest has been given, on disk, for a run that is started again."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from numina.errors import UserError


class Answers:
    """An append-only file of answers, a JSON line each. Use it as a context manager.

    An answer belongs to an id and a statement: another statement under the same id is another
    problem. A last line without its end, which a kill may leave, is dropped.

    Args:
        path: the file, in a folder that exists and that this run has locked.

    Raises:
        UserError: on entering, a line is not an answer, with the file and its number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[tuple[str, str], str] = {}

    def __enter__(self) -> Answers:
        self.file = self.path.open("a+b")
        self.file.seek(0)
        whole = 0
        for number, line in enumerate(self.file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                name, statement, answer = json.loads(line)
            except (ValueError, TypeError):
                raise UserError(f"{self.path}, line {number}: not an answer; remove it") from None
            self.known[name, statement] = answer
            whole += len(line)
        self.file.truncate(whole)
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def get(self, name: str, text: str) -> str | None:
        """The answer that a problem was given; None if it has none."""
        return self.known.get((name, digest(text)))

    def add(self, name: str, text: str, answer: str) -> None:
        """Put an answer on disk, before the contest is given it."""
        self.known[name, digest(text)] = answer
        line = json.dumps([name, digest(text), answer], ensure_ascii=False)
        self.file.write(line.encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())


def digest(text: str) -> str:
    """A short hash of a statement."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
