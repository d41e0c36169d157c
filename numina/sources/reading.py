"""Rows as published sets and people's own files have them, read into problems: the one road."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import read_lines, to_problem

LEVEL = re.compile(r"(?:level\s*)?(\d{1,2})(?:\.0)?", re.I)
UNKNOWN_LEVELS = {"", "?", "level ?", "level?", "n/a", "none", "null", "nan", "unknown"}
EXACT = 2**53  # floats hold every whole number below it


def read_source(path: Path) -> list[Problem]:
    """The problems of a local file.

    An id that is a bare number gets the file's name in front of it, as ids are unique over all
    sources.

    Raises:
        UserError: the file is missing or wrong, a field cannot be read, or an id occurs twice,
            with the file and the line.
    """
    prefix = f"{path.name.removesuffix('.gz').removesuffix('.jsonl')}/"
    seen: dict[str, int] = {}
    problems = []
    for number, row in read_lines(path):
        where = f"{path}, line {number}"
        problem = source_problem(row, where, prefix)
        if problem.id in seen:
            raise UserError(
                f"{where}: field 'id': {problem.id!r} is already in line {seen[problem.id]}"
            )
        seen[problem.id] = number
        problems.append(problem)
    return problems


def source_problem(row: Mapping[str, Any], where: str, prefix: str = "") -> Problem:
    """A problem from a row; fields that are null or NaN count as missing.

    The id and the answer may be numbers or text, the level ``4``, ``4.0``, ``"4"``, ``Level 4``,
    or something that says that it is not known, which gives 0.

    Args:
        row: `id`, `problem`, `answer`, and what else there is.
        where: its place, for messages.
        prefix: put before an id that is a bare number.

    Raises:
        UserError: a field is missing or cannot be read, with its place and the value.
    """
    fields = present(row)
    if (number := plain_number(fields.get("id"))) is not None:
        fields["id"] = f"{prefix}{number}"
    if (number := plain_number(fields.get("answer"))) is not None:
        fields["answer"] = number
    for field in ("solution", "source", "subject", "contest", "unsound"):
        value = plain_number(fields.get(field, "")) or fields.get(field, "")
        if not isinstance(value, str):
            raise UserError(f"{where}: field {field!r} must be text, got {value!r}")
        fields[field] = value
    return to_problem({**fields, "level": level_of(fields, where)}, where)


def present(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that hold something: pandas writes NaN where there is nothing."""
    return {
        key: value
        for key, value in row.items()
        if value is not None and not (isinstance(value, float) and math.isnan(value))
    }


def plain_number(value: Any) -> str | None:
    """A number as text, a whole one without a decimal point; None where it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    return str(value)


def level_of(row: Mapping[str, Any], where: str) -> int:
    """The level of a row, 0 where it has none or does not know it.

    Raises:
        UserError: it is neither a whole number nor of the form `Level 4`.
    """
    level = present(row).get("level", 0)
    if isinstance(level, str) and level.strip().lower() in UNKNOWN_LEVELS:
        return 0
    text = level.strip() if isinstance(level, str) else plain_number(level) or ""
    if match := LEVEL.fullmatch(text):
        return int(match[1])
    raise UserError(f"{where}: field 'level' must be a whole number, got {level!r}")
