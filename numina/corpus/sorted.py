"""What a stage of the data build writes: the rows that it keeps, those that it rejects, counts."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numina.records.dropped import Rejected, in_words
from numina.records.problem import Problem
from numina.rows import write_json, written_rows

REJECTED, COUNTS = "rejected.jsonl", "counts.json"


class Sorted:
    """Takes the rows of a stage, each as kept or as rejected, and counts them.

    Attributes:
        kept: how many were kept.
        rejected: how many each rule rejected.
    """

    def __init__(self, write: Callable[[Any], None], write_rejected: Callable[[Any], None]) -> None:
        self.write, self.write_rejected = write, write_rejected
        self.kept = 0
        self.rejected: Counter[str] = Counter()

    def keep(self, row: Problem) -> None:
        """Write a row that is kept."""
        self.write(row)
        self.kept += 1

    def reject(self, row: Rejected) -> None:
        """Write a row that is left out, with its rule."""
        self.write_rejected(row)
        self.rejected[row.rule] += 1

    def leave_out(self, row: Problem, rule: str, partner: str = "", score: float = 1.0) -> None:
        """Reject a problem."""
        self.reject(Rejected(rule, row.id, dataclasses.asdict(row), "", partner, score))

    @property
    def left_out(self) -> str:
        """How many rows each rule rejected, in one line."""
        return in_words(self.rejected)


@contextmanager
def sorted_rows(folder: Path, name: str) -> Iterator[Sorted]:
    """Write the rows of a stage one by one: kept ones to `name`, the others to `REJECTED`.

    `COUNTS` gets how many there were, in all and by rule. Nothing is written if the stage fails.

    Args:
        folder: the stage's out.
        name: of the file of kept rows in it.
    """
    with written_rows(folder / name) as write, written_rows(folder / REJECTED) as write_rejected:
        rows = Sorted(write, write_rejected)
        yield rows
    rejected = dict(sorted(rows.rejected.items()))
    total = rows.kept + sum(rejected.values())
    write_json(folder / COUNTS, {"in": total, "kept": rows.kept, "rejected": rejected})
