"""Published figures to show beside ours, each only if the problems are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from numina.measure.score import Table


@dataclass(frozen=True, slots=True)
class Published:
    """A figure that somebody published; they are in published.json.

    Attributes:
        model: who answered.
        split: the set by our name, or in words if we have none.
        n: its problems.
        system: how the model was asked.
        low: the share right.
        high: the same, or the upper end if a range was published.
        kind: the system of ours that works in the same way.
        source: where it was published.
        beside: whether it is shown with every run, and not only with that of its own model.
    """

    model: str
    split: str
    n: int
    system: str
    low: float
    high: float
    kind: str
    source: str
    beside: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure published of the model of this run, and ours.

    Attributes:
        published: the figure.
        ours: accuracy and interval on the same problems; None if they were not asked here.
    """

    published: Published
    ours: Mapping[str, float] | None


FILE = Path(__file__).with_name("published.json")
PUBLISHED = tuple(Published(**row) for row in json.loads(FILE.read_text(encoding="utf-8")))
NAMES = {"deepseek-math-7b-instruct": "deepseekmath-7b-instruct"}  # of the hub, where they differ
NAMES |= {"deepseek-math-7b-rl": "deepseekmath-7b-rl"}


def published(split: str, n: int) -> list[Published]:
    """The figures for exactly these problems: a part or a sample of a set is another set."""
    return [row for row in PUBLISHED if row.beside and row.split == split and row.n == n]


def elsewhere(counts: dict[str, int]) -> list[Published]:
    """The figures for problems that were not asked here."""
    return [row for row in PUBLISHED if row.beside and counts.get(row.split) != row.n]


def published_of(name: str, parts: Table) -> list[Compared]:
    """What was published of a model, with our figures where the problems are the same.

    Args:
        name: of the model: its hub id or its folder.
        parts: our figures by split, or by a part of one under the name that figures have for it,
            then by system.
    """
    last = name.rstrip("/").rpartition("/")[2].lower()
    found = [row for row in PUBLISHED if row.model.lower() == NAMES.get(last, last)]
    return [Compared(row, ours(row, parts)) for row in found]


def ours(row: Published, parts: Table) -> Mapping[str, float] | None:
    """Our figure for the same problems and the same way of asking."""
    figure = parts.get(row.split, {}).get(row.kind)
    return figure if figure and figure.get("n", row.n) == row.n else None
