"""Grade the systems' answers and compute the figures.

All figures come from outcomes: whether a system got a problem right with each of its seeds. Figures
are flat numbers by split and system, so that DVC can compare two runs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numina.measure.cost import costs
from numina.measure.grade import grade
from numina.measure.recovery import recoveries
from numina.measure.results import Results
from numina.measure.stats import Estimate, estimate, over_seeds
from numina.measure.systems import GREEDY, ONE_SAMPLED, SCTIR
from numina.records.problem import Problem

ALL = "all"  # every problem of every split
BREAKDOWN_FIELDS = (
    *("split", "by", "part", "system", "accuracy", "ci95_low", "ci95_high", "n", "undecided"),
)
OUTCOME_FIELDS = ("split", "problem", "system", "right")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
Row = dict[str, Any]
Table = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a system got a problem right.

    Attributes:
        system: a name of `numina.measure.systems`, or `ONE_SAMPLED`.
        by_seed: right, wrong or undecided (None) with each seed; one entry for a greedy system.
    """

    split: str
    problem: Problem
    system: str
    by_seed: tuple[bool | None, ...]


def outcomes(results: Results) -> list[Outcome]:
    """Whether each system got each problem right, by split and system."""
    found = []
    for split, problems in results.problems.items():
        answers: dict[str, list[list[str | None]]] = {
            system.name: [[trace.answer] for trace in results.greedy[system.model][split]]
            for system in GREEDY
        }
        by_seed = results.sctir[split].values()
        answers[SCTIR.name] = [[one.answer for one in row] for row in zip(*by_seed, strict=True)]
        for system, rows in answers.items():
            for problem, row in zip(problems, rows, strict=True):
                grades = tuple(grade(answer, problem.answer) for answer in row)
                found.append(Outcome(split, problem, system, grades))
    return found


def one_sampled(results: Results) -> list[Outcome]:
    """Whether one sampled trace of each vote is right, by split: the first of those that finished.

    A vote of one trace would have this result.
    """
    found = []
    for split, problems in results.problems.items():
        for problem, *votes in zip(problems, *results.sctir[split].values(), strict=True):
            firsts = [
                min(vote.traces, key=lambda trace: trace.index, default=None) for vote in votes
            ]
            grades = tuple(grade(first and first.answer, problem.answer) for first in firsts)
            found.append(Outcome(split, problem, ONE_SAMPLED, grades))
    return found


def right(found: Sequence[Outcome]) -> NDArray[np.float64]:
    """Outcomes as an array of [problems, seeds], 1 for right; undecided counts as not right."""
    return np.array([[grade is True for grade in row.by_seed] for row in found], float)


def metrics(results: Results, found: Sequence[Outcome], seconds: float) -> Table:
    """All figures by split and system; the split `all` holds every problem.

    Args:
        results: what the evaluation stages wrote.
        found: its outcomes.
        seconds: wall-clock of the whole SC-TIR stage, in which problems run side by side.
    """
    asked = sum(len(outcome.by_seed) for outcome in found if outcome.system == SCTIR.name)
    table: Table = {}
    for name, splits in groups(results):
        table[name] = {}
        recovered = recoveries(results, splits)
        for system, spent in costs(results, splits).items():
            chosen = [row for row in found if row.split in splits and row.system == system]
            figures = accuracy_figures(chosen)
            if system == SCTIR.name:
                spread = over_seeds(right(chosen))
                generated, saved = spent["tokens_generated"], spent["tokens_saved"]
                figures["accuracy_std"] = spread.std
                figures["seeds"] = spread.seeds
                figures["seconds_per_problem"] = seconds / asked
                figures["tokens_saved"] = saved / max(1, generated + saved)
            runs = sum(len(outcome.by_seed) for outcome in chosen)
            figures["tokens_per_problem"] = spent["tokens_generated"] / runs
            figures |= recovered[system]
            table[name][system] = {key: round(value, 4) for key, value in figures.items()}
    return table


def summary(table: Table) -> dict[str, dict[str, float]]:
    """The few figures that a terminal has room for, in percent: what DVC shows as metrics."""
    found = {
        split: {
            system.removesuffix("_greedy"): round(100 * row["accuracy"], 1)
            for system, row in systems.items()
        }
        for split, systems in table.items()
    }
    total = {**found.pop(ALL), "sctir_std": round(100 * table[ALL][SCTIR.name]["accuracy_std"], 1)}
    return {ALL: total, **found}


def groups(results: Results) -> list[tuple[str, list[str]]]:
    """Each split by itself, and all of them together."""
    splits = list(results.problems)
    return [*((split, [split]) for split in splits), (ALL, splits)]


def accuracy_figures(found: Sequence[Outcome]) -> dict[str, float]:
    """Accuracy, interval and counts; if some golds are known to be wrong, also without those."""
    figures = interval_figures(estimate(right(found)))
    figures["undecided"] = sum(grade is None for outcome in found for grade in outcome.by_seed)
    sound = [outcome for outcome in found if not outcome.problem.unsound]
    if 0 < len(sound) < len(found):
        figures |= {
            f"{key}_sound": value for key, value in interval_figures(estimate(right(sound))).items()
        }
    return figures


def interval_figures(found: Estimate) -> dict[str, float]:
    """An estimate under the names that other programs read."""
    return {
        "accuracy": found.mean,
        "ci95_low": found.interval.low,
        "ci95_high": found.interval.high,
        "n": found.n,
    }


def breakdown(found: Sequence[Outcome]) -> list[Row]:
    """Accuracy by year and paper of a contest, level and subject, if problems have these."""
    parts: dict[tuple[str, str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in found:
        for by, part in parts_of(outcome.problem).items():
            if part:
                parts[outcome.split, by, part, outcome.system].append(outcome)
    return [
        {
            "split": split,
            "by": by,
            "part": part,
            "system": system,
            **{key: round(value, 4) for key, value in accuracy_figures(chosen).items()},
        }
        for (split, by, part, system), chosen in sorted(parts.items())
    ]


def parts_of(problem: Problem) -> dict[str, str]:
    """The group that a problem belongs to; "" if it does not say."""
    year = YEAR.search(problem.contest)
    return {
        "year": year[0] if year else "",
        "contest": problem.contest,
        "level": str(problem.level) if problem.level else "",
        "subject": problem.subject,
    }


def outcome_rows(found: Iterable[Outcome]) -> list[Row]:
    """Outcomes as a later run compares itself with them, problem by problem."""
    return [
        {
            "split": outcome.split,
            "problem": outcome.problem.id,
            "system": outcome.system,
            "right": round(float(right([outcome]).mean()), 4),
        }
        for outcome in found
    ]
