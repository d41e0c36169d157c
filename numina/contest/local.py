"""A contest over a file of problems, which come one at a time."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import read_lines, to_problem, write_csv


class LocalContest:
    """A contest of our own.

    Args:
        problems: asked in an order that `seed` draws.
        out: the submission, written anew after each answer: `id,answer`.
        seed: of the order.
    """

    def __init__(self, problems: list[Problem], out: Path, seed: int) -> None:
        self.problems = random.Random(seed).sample(problems, len(problems))
        self.out = out

    def play(self, answer: Callable[[str, str], str]) -> None:
        """Ask every problem."""
        rows: list[dict[str, str]] = []
        for problem in self.problems:
            rows.append({"id": problem.id, "answer": answer(problem.id, problem.problem)})
            write_csv(self.out, ("id", "answer"), rows)


def read_contest(path: Path) -> list[Problem]:
    """Problems whose answers need not be known.

    Raises:
        UserError: the file is missing or empty, or a row is wrong, with its line and field.
    """
    problems: dict[str, Problem] = {}
    for number, row in read_lines(path):
        problem = to_problem({**row, "answer": ""}, f"{path}, line {number}")
        if problem.id in problems:
            raise UserError(f"{path}, line {number}: id {problem.id!r} occurs twice")
        problems[problem.id] = problem
    if not problems:
        raise UserError(f"{path}: holds no problems")
    return list(problems.values())
