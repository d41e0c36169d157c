"""The protocol of the first AIMO: its module `aimo`, or a stand-in that serves a file the same way.

`make_env()` gives an environment. `iter_test()` gives two tables for each problem (`id, problem`
and `id, answer`). `predict()` must be called with the second, filled in, before the next problem.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import read_lines, to_problem, write_csv

PROBLEMS = 50  # of the contest


class LocalContest:
    """The contest's environment over problems of our own.

    Args:
        problems: served in an order that `seed` draws.
        out: the submission, written anew after each answer: `id,answer`.
        seed: of the order.
        answers: those that an interrupted run already gave; they are kept until replaced.
    """

    def __init__(
        self,
        problems: list[Problem],
        out: Path,
        seed: int,
        answers: Mapping[str, str] | None = None,
    ) -> None:
        self.problems = random.Random(seed).sample(problems, len(problems))
        self.out, self.answers = out, dict(answers or {})
        self.waiting = False

    def iter_test(self) -> Iterator[tuple[Any, Any]]:
        import pandas

        for row in self.problems:
            self.waiting = True
            yield (
                pandas.DataFrame({"id": [row.id], "problem": [row.problem]}),
                pandas.DataFrame({"id": [row.id], "answer": [0]}),
            )
            if self.waiting:
                raise RuntimeError("predict() must be called before the next problem")

    def predict(self, submission: Any) -> None:
        if not self.waiting:
            raise RuntimeError("predict() was called twice, or before iter_test()")
        self.waiting = False
        for row in submission.itertuples():
            self.answers[row.id] = str(row.answer)
        rows = [{"id": name, "answer": answer} for name, answer in self.answers.items()]
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


def contest_module() -> Any:
    """The environment of the contest's own module.

    Raises:
        UserError: the module is not installed.
    """
    if importlib.util.find_spec("aimo") is None:
        raise UserError("--problems is needed, as the contest's module `aimo` is not installed")
    return importlib.import_module("aimo").make_env()
