"""A row that a stage left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is not trained on, and the rule that left it out."""

    id: str
    rule: str


def by_rule(rows: Sequence[Dropped]) -> str:
    """How many rows each rule left out, as one line says it."""
    counts = Counter(row.rule for row in rows)
    return ", ".join(f"{count} by {rule}" for rule, count in counts.items()) or "none"
