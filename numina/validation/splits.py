"""Validation splits: embedded ones, and published ones from local files or the hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.local import from_root
from numina.records.problem import Problem
from numina.rows import read_lines
from numina.settings.splits import FamilySplit, Split, ValidationSets
from numina.sources.catalog import validation_problems
from numina.sources.hub import hub_rows
from numina.sources.sample import sample
from numina.validation.published import Placed, cut_level, gsm8k_problem, published_problem


def build_splits(params: ValidationSets, splits: Mapping[str, Split]) -> dict[str, list[Problem]]:
    """All chosen splits.

    Raises:
        UserError: see `build_split`; or two splits have a problem with the same id.
    """
    built = {name: build_split(name, splits[name], params.seed) for name in params.splits}
    owner: dict[str, str] = {}
    for name, problems in built.items():
        for problem in problems:
            if problem.id in owner:
                raise UserError(
                    f"validation_sets: id {problem.id!r} is in {owner[problem.id]} and in {name}"
                )
            owner[problem.id] = name
    return built


def build_split(name: str, split: Split, seed: int) -> list[Problem]:
    """The problems of one split, in the order of their ids.

    Raises:
        UserError: its source is missing or wrong, has too few problems, or has an answer that is
            not a whole number.
    """
    if isinstance(split, FamilySplit):
        return validation_problems(seed, split.min_level, split.max_level, split.count)
    if split.source == "hub":
        rows, place = hub_rows(split.hub), f"{split.hub.name}/{split.hub.file}"
    else:
        rows, place = local_rows(from_root(split.path)), split.path
    check_ids(rows)
    if split.rule == "cut":
        problems = cut_level(rows, split.level)
    elif split.rule == "gsm8k":
        problems = [gsm8k_problem(row, where, f"{name}/") for where, row in rows]
    else:
        problems = [published_problem(row, where, f"{name}/") for where, row in rows]
    if not problems:
        raise UserError(f"{place}: no problems for {name}")
    return sample(problems, split.count, seed, place)


def local_rows(path: Path) -> list[Placed]:
    """The rows of a local JSONL file, each with its file and line.

    Raises:
        UserError: the file is missing or wrong.
    """
    return [(f"{path}, line {number}", row) for number, row in read_lines(path)]


def check_ids(rows: Iterable[Placed]) -> None:
    """Refuse two rows with the same id.

    Raises:
        UserError: two rows have it, with the places of both.
    """
    seen: dict[Any, str] = {}
    for where, row in rows:
        name = row.get("id")
        if isinstance(name, str | int) and seen.setdefault(name, where) != where:
            raise UserError(f"{where}: field 'id': {name!r} is already in {seen[name]}")
