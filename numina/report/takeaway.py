"""The report's figures as rows, for readers to take away as CSV or JSON."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from numina.measure.score import Table
from numina.rows import existing


def takeaway(table: Table, curve: Path, parts: Path) -> dict[str, list[dict[str, Any]]]:
    """Tables by the name of the file that a reader gets.

    Args:
        table: as of `numina.measure.score.metrics`.
        curve: the CSV file of maj@k.
        parts: the CSV file of accuracies by year, contest, level and subject.

    Raises:
        UserError: a file is missing.
    """
    results = [
        {"split": split, "system": system, **figures}
        for split, systems in table.items()
        for system, figures in systems.items()
    ]
    return {"results": results, "maj_at_k": csv_rows(curve), "breakdown": csv_rows(parts)}


def csv_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file, numbers as such and empty fields as None."""
    with existing(file).open(encoding="utf-8", newline="") as lines:
        return [{key: value_of(text) for key, text in row.items()} for row in csv.DictReader(lines)]


def value_of(text: str) -> Any:
    """A field as a number, where it is one; None where it is empty."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text or None
