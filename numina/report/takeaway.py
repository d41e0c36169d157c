"""The report's figures as rows, for readers to download as CSV or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from numina.measure.score import Table
from numina.report.csv_tables import BreakdownRow, CurveRow, DepthRow


def takeaway(
    table: Table,
    curve: Sequence[CurveRow],
    depth: Sequence[DepthRow],
    breakdown: Sequence[BreakdownRow],
) -> dict[str, list[dict[str, Any]]]:
    """Tables by the name of the file that a reader gets.

    Args:
        table: from `numina.measure.score.metrics`.
        curve: maj@k by split.
        depth: accuracy of the vote by depth and split.
        breakdown: accuracies by year, contest, level and subject.
    """
    results = [
        {"split": split, "system": system, **figures}
        for split, systems in table.items()
        for system, figures in systems.items()
    ]
    return {
        "results": results,
        "maj_at_k": [asdict(row) for row in curve],
        "depth": [asdict(row) for row in depth],
        "breakdown": [asdict(row) for row in breakdown],
    }
