"""Draw the part of the rows and the problems that the trained variants get.

    python -m experiments.stage steps experiments.steps.part --tir data/tir \
        --attempts data/attempts --validation data/validation --out experiments/steps/data

The rows of one round are those that the recipe would have with tir_data.rounds=1, at the problems
that were drawn.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

from experiments.settings import own
from experiments.steps.settings import Steps
from numina import entry, settings
from numina.corpus.selection import select
from numina.corpus.sifted import Sifted
from numina.errors import UserError
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.rows import (
    StoredProblems,
    picked,
    read_shards,
    read_splits,
    write_rows,
    written_folder,
    written_shards,
)
from numina.settings.data import TirSelect


def main() -> str:
    args = entry.paths(__doc__, "tir", "attempts", "validation", "out")
    select_by = settings.load("tir_select").tir_select
    knobs = own("steps", Steps)
    problems = StoredProblems(args.tir / "train")
    three = list(picked(problems, drawn(len(problems), knobs)))
    asked = {problem_of(row) for row in three}
    one = [row for row in first_round(args.attempts, select_by) if problem_of(row) in asked]
    if not one:
        raise UserError(f"{args.attempts}: no drawn row was solved in the first round")
    with written_folder(args.out) as folder:
        for name, rows in {"three_rounds": three, "one_round": one}.items():
            with written_shards(folder / name / "train", Problem) as write:
                for row in rows:
                    write(row)
        for name, split in read_splits(args.validation).items():
            write_rows(folder / "validation" / f"{name}.jsonl", spread(split, knobs.problems))
    asked_of = f"{knobs.problems or 'all'} problems of each split"
    return f"{len(three)} rows of three rounds, {len(one)} of one; {asked_of}"


def drawn(count: int, knobs: Steps) -> list[int]:
    """The places of the rows that are trained on, in order."""
    wanted = min(knobs.rows or count, count)
    return sorted(random.Random(knobs.seed).sample(range(count), wanted))


def first_round(folder: Path, params: TirSelect) -> list[Problem]:
    """The rows that are selected from the attempts of the first round, and ready-made ones."""
    attempts = read_shards(folder / "attempts", Attempt)
    kept: list[Problem] = []
    rows = Sifted(kept.append, lambda _: None)
    select(
        StoredProblems(folder / "problems"),
        (attempt for attempt in attempts if attempt.round <= 1),
        params,
        rows,
    )
    return kept


def problem_of(row: Problem) -> str:
    """The id of a row's problem: its second sample is ID#2."""
    return re.sub(r"#\d+$", "", row.id)


def spread(problems: Sequence[Problem], count: int) -> list[Problem]:
    """Some of the problems at even distances, as neighbours may be alike; 0: all."""
    size = len(problems)
    wanted = min(count or size, size)
    return [problems[place * size // wanted] for place in range(wanted)]


if __name__ == "__main__":
    entry.run(main)
