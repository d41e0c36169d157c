"""Print the README's table from experiments/cache/result.json.

python -m experiments.cache.table
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numina import entry
from numina.rows import read_object

RESULT = Path("experiments/cache/result.json")
HEAD = ("device", "way", "tokens/s", "beside dynamic", "first run, s", "later runs, s")


def main() -> None:
    found = read_object(RESULT, "devices")
    rows = [
        cells(device, way, row)
        for device, ways in found["devices"].items()
        for way, row in ways.items()
    ]
    for row in (HEAD, ("---",) * len(HEAD), *rows):
        print("|", " | ".join(row), "|")


def cells(device: str, way: str, row: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table."""
    if row["outcome"] != "done":
        return device, way.replace("_", ", "), f"{row['outcome']}: {row['reason']}", "", "", ""
    figures = (row["tokens_per_s"], f"{row['speedup']} x", row["first_s"], row["later_s"])
    return device, way.replace("_", ", "), *map(str, figures)


if __name__ == "__main__":
    entry.command(main)
