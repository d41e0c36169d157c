"""A row that a stage left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from numina.records.problem import Problem


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is not trained on, and the rule that left it out."""

    id: str
    rule: str


@dataclass(frozen=True, slots=True)
class Removal:
    """A row that a stage left out, as it is kept in the stage's folder ``rejected``.

    Attributes:
        row: the row, whole.
        rule: that left it out.
        partner: id of the row that it repeats or leaks, if any.
        score: how much of the partner it has, from 0 to 1, by the rule.
        reason: in words, where the rule does not say all.
        where: the file and the row, if it is not a stage's.
    """

    row: Problem | Mapping[str, Any]
    rule: str
    partner: str = ""
    score: float = 1.0
    reason: str = ""
    where: str = ""


def by_rule(rows: Iterable[Dropped | Removal]) -> str:
    """How many rows each rule left out, in one line."""
    return in_words(Counter(row.rule for row in rows))


def in_words(counts: Mapping[str, int]) -> str:
    """Counts by rule, in one line."""
    return ", ".join(f"{count} by {rule}" for rule, count in counts.items()) or "none"
