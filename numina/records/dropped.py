"""A row that a stage left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from numina.records.problem import Problem


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is not trained on, and the rule that left it out."""

    id: str
    rule: str


@dataclass(frozen=True, slots=True)
class Removal:
    """A row that another row made superfluous or unfit for training.

    Attributes:
        row: the row, whole.
        rule: that removed it.
        partner: id of the row that it repeats or leaks.
        score: how much of the partner it has, from 0 to 1, by the rule.
    """

    row: Problem
    rule: str
    partner: str
    score: float


def by_rule(rows: Sequence[Dropped | Removal]) -> str:
    """How many rows each rule left out, in one line."""
    counts = Counter(row.rule for row in rows)
    return ", ".join(f"{count} by {rule}" for rule, count in counts.items()) or "none"
