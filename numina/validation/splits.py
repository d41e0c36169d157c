"""Validation splits: embedded ones, and published ones from local files or the hub."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import read_lines
from numina.settings.splits import EmbeddedSplit, MathSplit, RealSplit, ValidationSets
from numina.sources.catalog import validation_problems
from numina.sources.hub import hub_rows
from numina.sources.sample import sample
from numina.validation.published import Placed, cut_level, published_problem


def build_splits(params: ValidationSets) -> dict[str, list[Problem]]:
    """All chosen splits.

    Raises:
        UserError: as `build_split`, or two splits have a problem of one id.
    """
    splits = {name: build_split(name, params) for name in params.splits}
    owner: dict[str, str] = {}
    for name, problems in splits.items():
        for problem in problems:
            if problem.id in owner:
                raise UserError(
                    f"validation_sets: id {problem.id!r} is in {owner[problem.id]} and in {name}"
                )
            owner[problem.id] = name
    return splits


def build_split(name: str, params: ValidationSets) -> list[Problem]:
    """The problems of one split, in the order of their ids.

    Raises:
        UserError: its source is missing or wrong, is shorter than asked, or holds an answer that
            is no whole number.
    """
    split: EmbeddedSplit | RealSplit = getattr(params, name)
    if isinstance(split, EmbeddedSplit):
        return validation_problems(params.seed, split.min_level, split.max_level, split.count)
    if lacking := split.lacking():
        raise UserError(f"validation_sets.{name}.{lacking}")
    rows = hub_rows(split.hub) if split.source == "hub" else local_rows(Path(split.path))
    place = split.path if split.source == "path" else f"{split.hub.name}/{split.hub.file}"
    try:
        check_ids(rows)
        if isinstance(split, MathSplit) and split.rule == "cut":
            problems = cut_level(rows, int(name.removeprefix("math_level_")))
        else:
            problems = [published_problem(row, where, f"{name}/") for where, row in rows]
    except ValueError as error:
        raise UserError(str(error)) from None
    if not problems:
        raise UserError(f"{place}: no problems for {name} there")
    return sample(problems, split.count, params.seed, place)


def local_rows(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a local JSONL file, each with its file and line.

    Raises:
        UserError: the file is missing or wrong.
    """
    try:
        return [(f"{path}, line {number}", row) for number, row in read_lines(path)]
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from None


def check_ids(rows: Iterable[Placed]) -> None:
    """Refuse two rows with one id.

    Raises:
        ValueError: with the places of both.
    """
    seen: dict[Any, str] = {}
    for where, row in rows:
        name = row.get("id")
        if isinstance(name, str | int) and seen.setdefault(name, where) != where:
            raise ValueError(f"{where}: field 'id': {name!r} is already in {seen[name]}")
