"""What each step of the recipe adds on the same problems: a table and a picture.

    python -m experiments.steps.compare --validation data/validation \
        --rules data/answer_rules.json --base experiments/steps/eval/base \
        --greedy eval/greedy --sctir eval/sctir \
        --part experiments/steps/data/validation --trained experiments/steps/eval \
        --out experiments/steps/steps.json --picture experiments/steps/steps.svg
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.score import percent
from experiments.steps.picture import picture
from experiments.steps.systems import (
    System,
    greedy_systems,
    trained_systems,
    voting_systems,
)
from numina import entry
from numina.measure.stats import estimate, paired
from numina.rows import read_splits, write_json, write_text
from numina.validation.rules import read_rules

FOLDERS = ("validation", "rules", "base", "greedy", "sctir", "part", "trained")


def main() -> str:
    args = entry.paths(__doc__, *FOLDERS, "out", "picture")
    problems, part = read_splits(args.validation), read_splits(args.part)
    systems = [
        *greedy_systems(args.base, args.greedy, problems),
        *voting_systems(args.sctir, problems, read_rules(args.rules, problems)),
        *trained_systems(args.trained, part),
    ]
    table = figures(systems)
    drawn = picture(table)
    write_json(args.out, table)
    write_text(args.picture, drawn)
    return "\n".join(map(line, table.values()))


def figures(systems: Sequence[System]) -> dict[str, dict[str, Any]]:
    """By system its accuracy with its interval, and the paired comparison, in percent."""
    by_name = {system.name: system for system in systems}
    table = {}
    for system in systems:
        found = estimate(system.right)
        table[system.name] = {
            "label": system.label,
            "group": system.group,
            "accuracy": percent(found.mean),
            "ci95_low": percent(found.interval.low),
            "ci95_high": percent(found.interval.high),
            "problems": found.n,
            "seeds": system.right.shape[1],
            "guessed": system.guessed,
        }
        if system.against:
            table[system.name] |= compared(system, by_name[system.against])
    return table


def compared(system: System, before: System) -> dict[str, Any]:
    """A system beside the one without its step, in percentage points."""
    pair = paired(system.right, before.right)
    return {
        "against": before.name,
        "difference": percent(pair.difference),
        "difference_low": percent(pair.interval.low),
        "difference_high": percent(pair.interval.high),
        "p_value": float(f"{pair.p_value:.2g}"),
        "better": pair.only_first,
        "worse": pair.only_second,
    }


def line(row: dict[str, Any]) -> str:
    """A system in words."""
    shown = f"{row['label']} ({row['group']}): {row['accuracy']}%"
    if "against" not in row:
        return shown
    return f"{shown}, {row['difference']:+} from {row['against']} (p = {row['p_value']})"


if __name__ == "__main__":
    entry.run(main)
