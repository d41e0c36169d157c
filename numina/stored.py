"""A JSONL file of problems as a sequence that stays on disk."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from numina.records.problem import Problem
from numina.rows import each_problem, existing, parse_row, to_problem


class StoredProblems(Sequence[Problem]):
    """The problems of a file that a stage wrote, read when they are asked for, in any order.

    In memory are eight bytes a row.

    Args:
        file: a ``.jsonl`` file.

    Raises:
        UserError: it is missing. Iterating raises as `each_problem`.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.begins = array("q")
        at = 0
        with existing(file).open("rb") as lines:
            for line in lines:
                if line.strip():
                    self.begins.append(at)
                at += len(line)

    def __len__(self) -> int:
        return len(self.begins)

    def __iter__(self) -> Iterator[Problem]:
        return each_problem(self.file)

    def __getitem__(self, place: int) -> Problem:  # type: ignore[override]  # no slices
        where = f"{self.file}, row {place + 1}"
        with self.file.open("rb") as lines:
            lines.seek(self.begins[place])
            return to_problem(parse_row(lines.readline(), where), where)
