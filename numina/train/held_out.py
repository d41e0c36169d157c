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

    Raises:
        UserError: none would be left to train on.
    """
    chosen = places(len(rows), count, seed)
    if not chosen:
        return rows, []
    kept = [row for at, row in enumerate(rows) if at not in chosen]
    return kept, [rows[at] for at in sorted(chosen)]


def places(rows: int, count: int, seed: int) -> frozenset[int]:
    """The places, from 0, of the rows to hold out.

    Args:
        rows: how many there are.
        count: how many to hold out.
        seed: of the choice.

    Raises:
        UserError: none would be left to train on.
    """
    if count and count >= rows:
        raise UserError(f"held_out: {count} of {rows} rows leave none to train on")
    return frozenset(Random(seed).sample(range(rows), count))
