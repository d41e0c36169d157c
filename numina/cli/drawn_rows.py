"""Draw random rows of what a stage of the data build wrote."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from numina.errors import UserError
from numina.records.attempt import Attempt
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import StoredProblems, each_problem, picked, read_lines, read_shards, read_splits
from numina.rows.rejected import each_removal

Row = TypeVar("Row")


class Written(NamedTuple):
    """What a stage writes in its folder: the rows that it keeps, and whether it leaves rows out."""

    folder: Path
    kept: str
    leaves_out: bool = True


VALIDATION, REJECTED = "validation", "rejected"
WRITTEN = {
    "digitize": Written(Path("data/digitized"), "pairs"),
    "collect": Written(Path("data/collected"), "problems"),
    "dedup": Written(Path("data/clean"), "problems"),
    "cot_data": Written(Path("data/cot"), "train"),
    "tir_data": Written(Path("data/attempts"), "problems"),
    "tir_select": Written(Path("data/tir"), "train"),
    VALIDATION: Written(Path("data/validation"), "", leaves_out=False),
}


class Tried(NamedTuple):
    """A problem, and an attempt at it."""

    problem: Problem
    attempt: Attempt


class Drawn(NamedTuple):
    """Rows that were drawn, of how many, and where they are."""

    rows: list[Any]
    total: int
    place: Path


def kept_rows(stage: str, n: int, seed: int) -> Drawn:
    """Up to `n` problems that a stage kept, by seed.

    Raises:
        UserError: the stage has not run here, or kept none.
    """
    place = written_by(stage, WRITTEN[stage].kept)
    if stage == VALIDATION:
        every = [row for rows in read_splits(place).values() for row in rows]
    else:
        every = StoredProblems(place)
    if not len(every):
        raise UserError(f"{place}: holds no rows")
    places = random.Random(seed).sample(range(len(every)), min(n, len(every)))
    return Drawn(list(picked(every, places)), len(every), place)


def attempts(n: int, seed: int) -> Drawn:
    """Up to `n` attempts of teachers, by seed, each with its problem.

    Raises:
        UserError: `tir_data` has not run here, or made no attempt.
    """
    place = written_by("tir_data", "attempts")
    found, total = sampled(read_shards(place, Attempt), n, seed)
    if not found:
        raise UserError(f"{place}: holds no rows")
    wanted = {attempt.problem_id for attempt in found}
    every = each_problem(written_by("tir_data", WRITTEN["tir_data"].kept))
    problems = {row.id: row for row in every if row.id in wanted}
    return Drawn([Tried(problems[one.problem_id], one) for one in found], total, place)


def rejected_rows(stage: str, rule: str, n: int, seed: int) -> Drawn:
    """Up to `n` rows that a stage left out, by seed; with a rule, those that it left out.

    Raises:
        UserError: the stage has not run here, leaves no rows out, or none by this rule.
    """
    if not WRITTEN[stage].leaves_out:
        raise UserError(f"{stage}: leaves no rows out")
    place = written_by(stage, REJECTED)
    rules: Counter[str] = Counter()
    found, total = sampled(by_rule(removals(place), rule, rules), n, seed)
    if not rules:
        raise UserError(f"{place}: no row was left out")
    if not found:
        known = ", ".join(f"{name} ({count})" for name, count in sorted(rules.items()))
        raise UserError(f"{place}: no row was left out by {rule!r}; the rules are {known}")
    return Drawn(found, total, place)


def by_rule(every: Iterable[Removal], rule: str, rules: Counter[str]) -> Iterator[Removal]:
    """The rows that a rule left out, with "" all of them; `rules` counts them."""
    for removal in every:
        rules[removal.rule] += 1
        if rule in ("", removal.rule):
            yield removal


def sampled(rows: Iterable[Row], n: int, seed: int) -> tuple[list[Row], int]:
    """`n` rows, each as likely as any other, and how many there are (Vitter's algorithm R)."""
    kept: list[Row] = []
    draw, seen = random.Random(seed), 0
    for seen, row in enumerate(rows, 1):
        if len(kept) < n:
            kept.append(row)
        elif (at := draw.randrange(seen)) < n:
            kept[at] = row
    return kept, seen


def written_by(stage: str, name: str) -> Path:
    """The file or the folder of what a stage wrote.

    Raises:
        UserError: it has not run here.
    """
    folder = WRITTEN[stage].folder
    for place in (folder / name, folder / f"{name}.jsonl"):
        if place.exists():
            return place
    dvc_stage = "validation_sets" if stage == VALIDATION else stage
    raise UserError(
        f"{folder / name}: not found; the stage has not run here: dvc repro {dvc_stage}"
    )


def removals(place: Path) -> Iterable[Removal]:
    """The rows that a stage left out, one by one."""
    if place.is_dir():
        yield from each_removal(place)
        return
    for _, row in read_lines(place):
        fields = {name: row[name] for name in Removal.__slots__ if name in row}
        found = fields.get("row", row)
        yield Removal(**{**fields, "row": found, "rule": str(row.get("rule", ""))})
