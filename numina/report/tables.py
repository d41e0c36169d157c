"""The rows of the page's tables."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.measure.score import ALL, Table
from numina.measure.systems import SCTIR, SYSTEMS
from numina.report.reference import Published, published
from numina.rows import existing

NAMES = tuple(system.name for system in SYSTEMS)
# Names that published figures have for a year's problems of a split.
YEARS = {("amc", "2023"): "AMC 2023", ("aime", "2024"): "AIME 2024"}


@dataclass(frozen=True, slots=True)
class Part:
    """Accuracy on a split or a part of one.

    Attributes:
        n: its problems.
        systems: accuracy and interval by system.
        published: figures of others on exactly these problems.
    """

    name: str
    n: int
    systems: dict[str, dict[str, float]]
    published: list[Published]


@dataclass(frozen=True, slots=True)
class Division:
    """A split by year, contest, level or subject."""

    split: str
    by: str
    parts: list[Part]


def result_rows(table: Table) -> list[Part]:
    """All splits together, then each (the former left out where there is one only)."""
    names = [name for name in table if name != ALL]
    rows = []
    for name in names if len(names) == 1 else [ALL, *names]:
        n = int(table[name][SCTIR.name]["n"])
        rows.append(Part(name, n, table[name], published(name, n)))
    return rows


def divisions(file: Path) -> list[Division]:
    """The breakdown that `score` wrote, without what has one part only.

    Raises:
        UserError: the file is missing.
    """
    found: dict[tuple[str, str], dict[str, Part]] = {}
    with existing(file).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            parts = found.setdefault((row["split"], row["by"]), {})
            n = int(row["n"])
            if row["part"] not in parts:
                known = published(YEARS.get((row["split"], row["part"]), ""), n)
                parts[row["part"]] = Part(row["part"], n, {}, known)
            figures = {key: float(row[key]) for key in ("accuracy", "ci95_low", "ci95_high")}
            parts[row["part"]].systems[row["system"]] = figures
    return [
        Division(split, by, list(parts.values()))
        for (split, by), parts in found.items()
        if len(parts) > 1
    ]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each of some words came up, by system."""

    words: list[str]
    systems: dict[str, dict[str, int]]

    def share(self, system: str, word: str) -> float:
        """The share that a word has of a system's."""
        counts = self.systems[system]
        return counts.get(word, 0) / max(1, sum(counts.values()))


def tally(costs: Mapping[str, Any], field: str) -> Tally:
    """Ends of traces or of programs, the most frequent first; without systems that had none."""
    counts = {system: costs[ALL][system][field] for system in NAMES if costs[ALL][system][field]}
    words = {word for count in counts.values() for word in count}
    order = sorted(words, key=lambda word: (-sum(c.get(word, 0) for c in counts.values()), word))
    return Tally(order, counts)


def cost_rows(costs: Mapping[str, Any]) -> list[tuple[str, str, dict[str, float | None]]]:
    """What a row says, its unit (tokens or seconds), and its figure by system over all splits."""
    rows = (
        ("Prompt tokens", "tokens_prompted", "tokens"),
        ("of these read before, and kept", "tokens_cached", "tokens"),
        ("Tokens decoded", "tokens_generated", "tokens"),
        ("Tokens saved by stopping early", "tokens_saved", "tokens"),
        ("Decoding", "decode_s", "seconds"),
        ("Running programs", "execute_s", "seconds"),
        ("Waiting for a place", "wait_s", "seconds"),
    )
    return [
        (name, unit, {system: costs[ALL][system].get(field) for system in NAMES})
        for name, field, unit in rows
    ]
