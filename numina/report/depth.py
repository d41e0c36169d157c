"""What more programs a trace are good for: accuracy by depth, and programs that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numina.measure.score import ALL, Table
from numina.report.charts import Series, line_chart
from numina.report.csv_tables import DepthRow
from numina.report.wording import plain

RECOVERY = (
    ("failed_traces", "Traces with a program that failed", "or printed nothing"),
    ("recovered", "Recovered", "the last program worked"),
    ("recovered_right", "Recovered, and right", ""),
    ("repeated", "Repeated", "the last program failed, and so did the one before"),
    ("gave_up", "Gave up", "the last program failed, and no other was tried"),
)


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """A count by system, over all splits and seeds; `note` is more about it."""

    name: str
    note: str
    systems: dict[str, int]


def recovery_rows(table: Table) -> list[RecoveryRow]:
    """What became of traces in which a program failed."""
    return [
        RecoveryRow(name, note, {system: int(row[field]) for system, row in table[ALL].items()})
        for field, name, note in RECOVERY
    ]


def open_votes(rows: Sequence[DepthRow]) -> dict[int, int]:
    """By depth, the votes that traces which were not run could have changed; none where 0."""
    return {row.depth: row.guessed for row in rows if row.split == ALL and row.guessed}


def depth_chart(rows: Sequence[DepthRow]) -> str:
    """Accuracy of the vote by depth with its band, by split; "" without rows."""
    by_split: dict[str, list[DepthRow]] = {}
    for row in rows:
        by_split.setdefault(row.split, []).append(row)
    if len(by_split) == 2:  # one split, and "all", which is the same
        del by_split[ALL]
    series = [
        Series(
            "all splits" if split == ALL else plain(split),
            [row.depth for row in of_split],
            [row.accuracy for row in of_split],
            [row.low for row in of_split],
            [row.high for row in of_split],
        )
        for split, of_split in by_split.items()
    ]
    if not series:
        return ""
    about = "Right answers of a vote by the number of programs that a trace may run"
    return line_chart(series, "programs a trace may run", "right", about, percent=True)
