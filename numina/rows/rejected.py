"""The rows that a stage left out, in shards: those that are no problems are kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows.parquet import read_shards, written_shards


@dataclass(frozen=True, slots=True)
class Rejected:
    """A `Removal` as it is stored.

    Attributes:
        rule, partner, score, reason, where: of the removal.
        row: the problem; None if the row could not be read as one.
        raw: then the row as JSON; else "".
    """

    rule: str
    partner: str
    score: float
    reason: str
    where: str
    row: Problem | None
    raw: str


@contextmanager
def written_removals(folder: Path) -> Iterator[Callable[[Removal], None]]:
    """A function that adds a removal to the shards of a folder.

    Raises:
        UserError: as `written_shards`.
    """
    with written_shards(folder, Rejected) as write:
        yield lambda removal: write(stored(removal))


def stored(removal: Removal) -> Rejected:
    """A removal as it is stored."""
    row, raw = removal.row, ""
    if not isinstance(row, Problem):
        row, raw = None, json.dumps(row, ensure_ascii=False, default=str)
    return Rejected(
        *(removal.rule, removal.partner, removal.score, removal.reason, removal.where), row, raw
    )


def each_removal(folder: Path) -> Iterator[Removal]:
    """The removals in the shards of a folder, one by one.

    Raises:
        UserError: as `read_shards`.
    """
    for found in read_shards(folder, Rejected):
        row = found.row or json.loads(found.raw)
        yield Removal(row, found.rule, found.partner, found.score, found.reason, found.where)
