"""The rewards of a training by round, as a table, and what they say in sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numina.rows import csv_text

# Columns, and what TRL calls them in its log.
COLUMNS = {
    "reward": "reward",
    "reward_std": "reward_std",
    "right": "rewards/right/mean",
    "ran": "rewards/ran/mean",
    "format": "rewards/format/mean",
    "mixed": "groups/mixed",
    "all_right": "groups/right",
    "all_wrong": "groups/wrong",
    "tokens": "completions/mean_length",
    "loss": "loss",
    "grad_norm": "grad_norm",
}
WHOLE = ("mixed", "all_right", "all_wrong")


def rounds(log: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries of the steps that began a round, which have its rewards."""
    return [row for row in log if row.get("reward") is not None]


def reward_table(log: Sequence[Mapping[str, Any]], more: Mapping[str, str] | None = None) -> str:
    """A row for each round, as CSV.

    Args:
        log: of the trainer.
        more: further columns.
    """
    columns = {**COLUMNS, **(more or {})}
    rows = [
        {"round": number, **{name: figure(row, name, key) for name, key in columns.items()}}
        for number, row in enumerate(rounds(log), 1)
    ]
    return csv_text(["round", *columns], rows)


def figure(row: Mapping[str, Any], name: str, key: str) -> Any:
    """A figure as it is written; empty if the round has none."""
    value = row.get(key)
    if value is None:
        return ""
    return round(float(value)) if name in WHOLE else float(f"{float(value):.5g}")


def counts(log: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The problems that were asked, by what their samples earned.

    `skipped_right` and `skipped_wrong`: all samples earned the same, so that they have no gradient
    with the leave-one-out baseline.
    """
    found = rounds(log)
    total = {name: round(sum(row[COLUMNS[name]] for row in found)) for name in WHOLE}
    return {
        "rounds": len(found),
        "problems": sum(total.values()),
        "mixed": total["mixed"],
        "all_right": total["all_right"],
        "all_wrong": total["all_wrong"],
    }
