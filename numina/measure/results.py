"""What the evaluation stages wrote, read and checked against the validation sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from numina.errors import UserError
from numina.records.problem import Problem
from numina.records.trace import Trace, Verdict
from numina.rows import read_lines, read_problems

SYSTEMS = ("cot", "tir", "gptq")
Row = TypeVar("Row", Trace, Verdict)


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that the evaluation stages wrote.

    Attributes:
        problems: by split.
        greedy: by system and split, a trace a problem, in the order of the problems.
        sctir: by split and seed, a verdict a problem, in the order of the problems.
    """

    problems: dict[str, list[Problem]]
    greedy: dict[str, dict[str, list[Trace]]]
    sctir: dict[str, dict[int, list[Verdict]]]


def read_results(validation: Path, greedy: Path, sctir: Path) -> Results:
    """Read and check all evaluation files.

    Raises:
        UserError: a file is missing or damaged, or a problem is missing, unknown or there twice in
            one, with the file, and the line and field where there is one.
    """
    problems = {file.stem: problems_of(file) for file in sorted(validation.glob("*.jsonl"))}
    if not problems:
        raise UserError(f"{validation}: no splits there")
    traces: dict[str, dict[str, list[Trace]]] = {system: {} for system in SYSTEMS}
    verdicts: dict[str, dict[int, list[Verdict]]] = {}
    for split, rows in problems.items():
        for system in SYSTEMS:
            file = greedy / system / f"{split}.jsonl"
            traces[system][split] = in_order(file, rows, read_rows(file, Trace))
        files = sorted((sctir / split).glob("seed_*.jsonl"))
        if not files:
            raise UserError(f"{sctir / split}: no seed_*.jsonl there")
        verdicts[split] = {
            seed: in_order(file, rows, read_rows(file, Verdict))
            for seed, file in sorted((seed_of(file), file) for file in files)
        }
        if verdicts[split].keys() != next(iter(verdicts.values())).keys():
            raise UserError(f"{sctir / split}: seeds {list(verdicts[split])}, unlike other splits")
    return Results(problems, traces, verdicts)


def problems_of(file: Path) -> list[Problem]:
    """The problems of a split.

    Raises:
        UserError: the file is damaged, or holds none.
    """
    try:
        problems = read_problems(file)
    except ValueError as error:
        raise UserError(str(error)) from None
    if not problems:
        raise UserError(f"{file}: no problems there")
    return problems


def seed_of(file: Path) -> int:
    """The seed that a file of verdicts is named after.

    Raises:
        UserError: its name holds no number.
    """
    try:
        return int(file.stem.removeprefix("seed_"))
    except ValueError:
        raise UserError(f"{file}: its name must be seed_NUMBER.jsonl") from None


def existing(file: Path) -> Path:
    """The file itself.

    Raises:
        UserError: it is missing.
    """
    if not file.exists():
        raise UserError(f"{file}: not found")
    return file


def read_object(file: Path, *fields: str) -> dict[str, Any]:
    """Read a JSON object that has these fields.

    Raises:
        UserError: it is missing, no JSON object, or lacks a field.
    """
    try:
        found = json.loads(existing(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise UserError(f"{file}: {type(found).__name__}, not an object")
    for field in fields:
        if field not in found:
            raise UserError(f"{file}: field {field!r} is missing")
    return found


def read_rows(file: Path, kind: type[Row]) -> list[tuple[int, Row]]:
    """Read the records of a JSONL file, each with its line's number.

    Raises:
        UserError: the file is missing, or a line is cut short, lacks a field, or has one of the
            wrong type, with the file, the line and the field.
    """
    adapter = TypeAdapter(kind)
    rows = []
    try:
        lines = read_lines(existing(file))
    except ValueError as error:
        raise UserError(str(error)) from None
    for number, line in lines:
        try:
            rows.append((number, adapter.validate_python(line)))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            reason = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
            raise UserError(f"{file}, line {number}: field {field!r}: {reason}") from None
    return rows


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
