"""Problems and splits, from whatever they are stored in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows.jsonl import count_lines, existing, read_lines
from numina.rows.parquet import count_shard_rows, read_shards, shard_files

TEXTS = ("source", "solution", "tools", "subject", "contest", "unsound")  # all may be ""
TEXTS += ("subsource", "revision", "licence", "url", "page")


def read_problems(path: Path) -> list[Problem]:
    """All problems of a folder of shards or of a file.

    Raises:
        UserError: as `each_problem`.
    """
    return list(each_problem(path))


def each_problem(path: Path) -> Iterator[Problem]:
    """Read problems one by one; fields that `Problem` does not have are left out.

    Args:
        path: a folder of parquet shards, or a ``.jsonl`` or ``.jsonl.gz`` file.

    Raises:
        UserError: as `read_lines`, `read_shards` and `to_problem`, or an id occurs twice.
    """
    seen: dict[str, int] = {}
    for word, number, problem in numbered(path):
        if problem.id in seen:
            raise UserError(
                f"{path}, {word} {number}: field 'id': {problem.id!r} is already in {word} "
                f"{seen[problem.id]}"
            )
        seen[problem.id] = number
        yield problem


def numbered(path: Path) -> Iterator[tuple[str, int, Problem]]:
    """The problems of a path, each with what its number counts and the number, from 1."""
    if not existing(path).is_dir():
        for number, row in read_lines(path):
            yield "line", number, to_problem(row, f"{path}, line {number}")
        return
    for number, problem in enumerate(read_shards(path, Problem), 1):
        yield "row", number, filled(problem, f"{path}, row {number}")


def filled(problem: Problem, where: str) -> Problem:
    """A problem that has an id and a statement.

    Raises:
        UserError: one of them is empty, with its place.
    """
    for field in ("id", "problem"):
        if not getattr(problem, field).strip():
            raise UserError(f"{where}: field {field!r} is empty")
    return problem


def count_rows(path: Path) -> int:
    """The rows of a folder of shards, or the lines of a JSONL file: neither is read for it.

    Raises:
        UserError: it is missing or damaged.
    """
    return count_shard_rows(path) if existing(path).is_dir() else count_lines(path)


def files_of(path: Path) -> list[Path]:
    """The files in which the rows of a path are.

    Raises:
        UserError: one is missing.
    """
    return shard_files(path) if existing(path).is_dir() else [path]


def read_splits(folder: Path) -> dict[str, list[Problem]]:
    """The validation splits of a folder by name, each a ``.jsonl`` file with problems.

    Raises:
        UserError: there is none, or one is damaged or empty.
    """
    splits = {file.stem: read_problems(file) for file in sorted(folder.glob("*.jsonl"))}
    if not splits:
        raise UserError(f"{folder}: holds no splits (*.jsonl)")
    for name, problems in splits.items():
        if not problems:
            raise UserError(f"{folder / name}.jsonl: holds no problems")
    return splits


def to_problem(row: Mapping[str, Any], where: str) -> Problem:
    """A problem from the fields of a row; fields that are null count as missing.

    Raises:
        UserError: a missing or empty statement, or a field of the wrong type, with its place.
    """
    row = {key: value for key, value in row.items() if value is not None}
    for field in ("id", "problem", "answer"):
        if not isinstance(row.get(field), str):
            raise UserError(f"{where}: field {field!r} must be text, got {row.get(field)!r}")
    level = row.get("level", 0)
    if not isinstance(level, int):
        raise UserError(f"{where}: field 'level' must be a whole number, got {level!r}")
    problem = Problem(
        id=row["id"],
        problem=row["problem"],
        answer=row["answer"],
        level=level,
        **{field: str(row.get(field, "")) for field in TEXTS},
    )
    return filled(problem, where)
