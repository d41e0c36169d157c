"""What the evaluation stages wrote, read and checked against the validation sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from numina.errors import UserError
from numina.measure.systems import GREEDY
from numina.records.problem import Problem
from numina.records.trace import Trace, Verdict
from numina.rows import read_records, read_splits

Row = TypeVar("Row", Trace, Verdict)


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that the evaluation stages wrote.

    Attributes:
        problems: by split.
        greedy: by model and split, a trace a problem, in the order of the problems.
        sctir: by split and seed, a verdict a problem, in the order of the problems.
    """

    problems: dict[str, list[Problem]]
    greedy: dict[str, dict[str, list[Trace]]]
    sctir: dict[str, dict[int, list[Verdict]]]

    def verdicts(self) -> list[Verdict]:
        """Every vote, by split and seed."""
        return [one for seeds in self.sctir.values() for rows in seeds.values() for one in rows]


def read_results(validation: Path, greedy: Path, sctir: Path) -> Results:
    """Read and check all evaluation files.

    Raises:
        UserError: a file is missing or damaged, or a problem is missing, unknown or there twice in
            one, with the file, and the line and field where there is one.
    """
    problems = read_splits(validation)
    models = [system.model for system in GREEDY]
    traces: dict[str, dict[str, list[Trace]]] = {model: {} for model in models}
    verdicts: dict[str, dict[int, list[Verdict]]] = {}
    for split, rows in problems.items():
        for model in models:
            file = greedy / model / f"{split}.jsonl"
            traces[model][split] = in_order(file, rows, list(read_records(file, Trace)))
        files = sorted((sctir / split).glob("seed_*.jsonl"))
        if not files:
            raise UserError(f"{sctir / split}: no seed_*.jsonl there")
        verdicts[split] = {
            seed: in_order(file, rows, list(read_records(file, Verdict)))
            for seed, file in sorted((seed_of(file), file) for file in files)
        }
        if verdicts[split].keys() != next(iter(verdicts.values())).keys():
            raise UserError(f"{sctir / split}: seeds {list(verdicts[split])}, unlike other splits")
    return Results(problems, traces, verdicts)


def seed_of(file: Path) -> int:
    """The seed that a file of verdicts is named after.

    Raises:
        UserError: its name holds no number.
    """
    try:
        return int(file.stem.removeprefix("seed_"))
    except ValueError:
        raise UserError(f"{file}: its name must be seed_NUMBER.jsonl") from None


def in_order(file: Path, problems: Sequence[Problem], rows: Sequence[tuple[int, Row]]) -> list[Row]:
    """Rows in the order of their problems, one each.

    Raises:
        UserError: a problem is missing, unknown, or there twice, with the file, its id and lines.
    """
    by_id: dict[str, tuple[int, Row]] = {}
    known = {problem.id for problem in problems}
    for number, row in rows:
        where = f"{file}, line {number}: field 'problem_id': {row.problem_id!r}"
        if row.problem_id not in known:
            raise UserError(f"{where} is not in the split")
        if row.problem_id in by_id:
            raise UserError(f"{where} is already in line {by_id[row.problem_id][0]}")
        by_id[row.problem_id] = (number, row)
    for problem in problems:
        if problem.id not in by_id:
            raise UserError(f"{file}: problem {problem.id!r} is missing")
    return [by_id[problem.id][1] for problem in problems]
