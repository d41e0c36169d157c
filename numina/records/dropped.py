"""A row that a stage left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is not trained on, and the rule that left it out."""

    id: str
    rule: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that a stage left out, whole, as it is written to the stage's ``rejected.jsonl``.

    Attributes:
        rule: that left it out.
        id: of the row; its file and line if it could not be read.
        row: the whole row.
        reason: in words, where the rule does not say all.
        partner: the id of the row that it repeats or leaks, if any.
        score: how sure the rule is, or how near the partner; 1 for a rule that is exact.
    """

    rule: str
    id: str
    row: Mapping[str, Any]
    reason: str = ""
    partner: str = ""
    score: float = 1.0


def by_rule(rows: Iterable[Dropped]) -> str:
    """How many rows each rule left out, in one line."""
    return in_words(Counter(row.rule for row in rows))


def in_words(counts: Mapping[str, int]) -> str:
    """Counts by rule, in one line."""
    return ", ".join(f"{count} by {rule}" for rule, count in counts.items()) or "none"
