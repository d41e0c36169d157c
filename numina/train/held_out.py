"""Rows that a model is not trained on, to see whether what it learns holds beyond its rows."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from numina.errors import UserError
from numina.records.problem import Problem


def held_out(
    rows: Sequence[Problem], count: int, seed: int
) -> tuple[Sequence[Problem], Sequence[Problem]]:
    """The rows to train on, and those to hold out, both in their order.

    Args:
        rows: all of them.
        count: how many to hold out, chosen by the seed.
        seed: of the choice.

    Raises:
        UserError: none would be left to train on.
    """
    if not count:
        return rows, []
    if count >= len(rows):
        raise UserError(f"held_out: {count} of {len(rows)} rows leave none to train on")
    chosen = set(Random(seed).sample(range(len(rows)), count))
    kept = [row for at, row in enumerate(rows) if at not in chosen]
    return kept, [rows[at] for at in sorted(chosen)]
