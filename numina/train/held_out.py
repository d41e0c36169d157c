"""Rows that a model is not trained on, to see whether what it learns holds beyond its rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import count_rows, each_problem
from numina.settings.training import Sft


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


def rows_of(data: Path, chosen: frozenset[int], held_out: bool) -> Iterator[Problem]:
    """The rows of a data set that are held out, or all others, in its order.

    Args:
        data: a folder of shards or a JSONL file.
        chosen: the places of the rows to hold out.
        held_out: which of the two.
    """
    return (row for at, row in enumerate(each_problem(data)) if (at in chosen) == held_out)


def rows_to_show(data: Path, params: Sft, count: int) -> list[Problem]:
    """The first rows to look at completions of: held out, or trained on if none is."""
    chosen = places(count_rows(data), params.held_out, params.seed)
    return list(islice(rows_of(data, chosen, bool(chosen)), count))
