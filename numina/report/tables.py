"""The rows of the page's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numina.measure.score import ALL, Table
from numina.measure.systems import SCTIR, SYSTEMS
from numina.report.csv_tables import BreakdownRow
from numina.report.reference import Published, published
from numina.report.wording import plain

NAMES = tuple(system.name for system in SYSTEMS)
DATA_STAGES = {
    "collected": "Collected",
    "clean": "Without duplicates and leaks",
    "cot_data": "Chains of thought",
    "attempts": "Problems for tool-integrated solutions",
    "tir_data": "Tool-integrated solutions",
}
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
    """All splits together (left out if there is only one), then each split."""
    names = [name for name in table if name != ALL]
    rows = []
    for name in names if len(names) == 1 else [ALL, *names]:
        n = int(table[name][SCTIR.name]["n"])
        rows.append(Part(name, n, table[name], published(name, n)))
    return rows


def divisions(breakdown: Sequence[BreakdownRow]) -> list[Division]:
    """The breakdown that `score` wrote, without divisions that have one part only."""
    found: dict[tuple[str, str], dict[str, Part]] = {}
    for row in breakdown:
        parts = found.setdefault((row.split, row.by), {})
        if row.part not in parts:
            known = published(YEARS.get((row.split, row.part), ""), row.n)
            parts[row.part] = Part(row.part, row.n, {}, known)
        parts[row.part].systems[row.system] = {
            "accuracy": row.accuracy,
            "ci95_low": row.ci95_low,
            "ci95_high": row.ci95_high,
        }
    return [
        Division(split, by, list(parts.values()))
        for (split, by), parts in found.items()
        if len(parts) > 1
    ]


def parts_by_name(table: Table, breakdown: Sequence[BreakdownRow]) -> Table:
    """Figures by split, and by those of its years that published figures have a name for."""
    years: Table = {}
    for row in breakdown:
        if name := YEARS.get((row.split, row.part)):
            years.setdefault(name, {})[row.system] = {
                "n": float(row.n),
                "accuracy": row.accuracy,
                "ci95_low": row.ci95_low,
                "ci95_high": row.ci95_high,
            }
    return {**table, **years}


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each of some words occurred, by system."""

    words: list[str]
    systems: dict[str, dict[str, int]]

    def share(self, system: str, word: str) -> float:
        """The share that a word has of a system's."""
        counts = self.systems[system]
        return counts.get(word, 0) / max(1, sum(counts.values()))


def tally(costs: Mapping[str, Any], field: str) -> Tally:
    """Ends of traces or programs, the most frequent first; systems without any are left out."""
    counts = {system: costs[ALL][system][field] for system in NAMES if costs[ALL][system][field]}
    words = {word for count in counts.values() for word in count}
    order = sorted(words, key=lambda word: (-sum(c.get(word, 0) for c in counts.values()), word))
    return Tally(order, counts)


@dataclass(frozen=True, slots=True)
class CostRow:
    """A figure by system, over all splits and seeds; None if it is not known.

    Attributes:
        note: more about the figure; "" for nothing.
        unit: tokens, seconds, or traces.
        by_system: None also if a system has no such figure.
    """

    name: str
    note: str
    unit: str
    by_system: dict[str, float | None]


def cost_rows(costs: Mapping[str, Any], clock: Mapping[str, float | None]) -> list[CostRow]:
    """The cost of the systems.

    Many traces run side by side, so the sum of their seconds exceeds the wall-clock: seconds are
    shown as the mean of a trace, beside the wall-clock of the whole stage.

    Args:
        costs: from `numina.measure.cost.costs`, by split.
        clock: the wall-clock of each system's stage in seconds, if the stage recorded it.
    """
    spent = {system: costs[ALL][system] for system in NAMES}
    totals = (
        ("Traces", "", "traces", "traces"),
        ("Prompt tokens", "", "tokens_prompted", "tokens"),
        ("Prompt tokens from the cache", "", "tokens_cached", "tokens"),
        ("Tokens decoded", "", "tokens_generated", "tokens"),
        ("Tokens saved", "by closing votes early", "tokens_saved", "tokens"),
    )
    means = (
        ("Decoding", "decode_s"),
        ("Running programs", "execute_s"),
        ("Waiting for a place", "wait_s"),
    )
    return [
        *(
            CostRow(name, note, unit, {system: row.get(field) for system, row in spent.items()})
            for name, note, field, unit in totals
        ),
        *(
            CostRow(
                name,
                "mean of a trace",
                "seconds",
                {system: row[field] / max(1, row["traces"]) for system, row in spent.items()},
            )
            for name, field in means
        ),
        CostRow(
            "Wall-clock",
            "of the whole stage",
            "seconds",
            {system: clock[system] for system in NAMES},
        ),
    ]


@dataclass(frozen=True, slots=True)
class DataRow:
    """What a stage of the data build did with its rows; `left_out` is by rule."""

    name: str
    rows: int
    kept: int
    left_out: dict[str, int]


def data_rows(data: Mapping[str, Mapping[str, Any]]) -> list[DataRow]:
    """The stages of the data build, in the order of the pipeline."""
    return [
        DataRow(
            DATA_STAGES[stage],
            counts["in"],
            counts["kept"],
            {plain(rule): count for rule, count in counts["rejected"].items()},
        )
        for stage, counts in data.items()
    ]
