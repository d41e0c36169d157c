"""Play the contest: problems come one at a time in random order, against the clock.

The protocol is that of the first AIMO's module `aimo`: `make_env()` gives an environment,
`iter_test()` a pair of tables a problem (`id, problem` and `id, answer`), and `predict()` must have
the second, filled in, before the next problem comes. Where that module is there it is used;
elsewhere `LocalContest` serves problems of a file in the same way.
"""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import io
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.rows import read_lines, to_problem, write_text
from numina.settings.params import Params

BUDGET_S, PROBLEMS = 9 * 3600, 50  # of the contest


class LocalContest:
    """The contest's environment over problems of our own.

    Args:
        problems: served in an order that `seed` draws.
        out: the submission, written anew after each answer: `id,answer`.
        seed: of the order.
    """

    def __init__(self, problems: list[Problem], out: Path, seed: int) -> None:
        self.problems = random.Random(seed).sample(problems, len(problems))
        self.out, self.answers = out, {}
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
                raise RuntimeError("predict() must be called before the next problem comes")

    def predict(self, submission: Any) -> None:
        if not self.waiting:
            raise RuntimeError("predict() was called twice, or before iter_test()")
        self.waiting = False
        for row in submission.itertuples():
            self.answers[row.id] = int(row.answer)
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerows([("id", "answer"), *self.answers.items()])
        write_text(self.out, table.getvalue())


def read_contest(path: Path) -> list[Problem]:
    """Problems whose answers need not be known.

    Raises:
        UserError: the file is missing or empty, or a row is wrong, with its line and field.
    """
    problems: dict[str, Problem] = {}
    for number, row in read_lines(path):
        problem = to_problem({**row, "answer": ""}, f"{path}, line {number}")
        if problem.id in problems:
            raise UserError(f"{path}, line {number}: id {problem.id!r} is there twice")
        problems[problem.id] = problem
    if not problems:
        raise UserError(f"{path}: no problems there")
    return list(problems.values())


def open_contest(path: Path | None, out: Path, seed: int) -> tuple[Any, int]:
    """The contest's own environment, or one over a file; and how many problems it has.

    Raises:
        UserError: there is neither.
    """
    if path is not None:
        problems = read_contest(path)
        return LocalContest(problems, out, seed), len(problems)
    if importlib.util.find_spec("aimo") is None:
        raise UserError("--problems: needed, as the contest's module `aimo` is not here")
    return importlib.import_module("aimo").make_env(), PROBLEMS


def play(params: Params, model: Path, path: Path | None, out: Path, scale: float) -> None:
    """Answer every problem; 0 where no trace has a vote, as the contest wants a number.

    Args:
        params: all knobs; the answer rule is `answers.contest`, the seed the first of
            `sctir.seeds`, and of `time_bank` the base and the cap hold.
        model: a folder with a model.
        path: problems to serve; None for the contest's own.
        out: where our own environment writes the submission.
        scale: of the contest's budget a problem.
    """
    contest, count = open_contest(path, out, params.sctir.seeds[0])
    budget = BUDGET_S / PROBLEMS * count * scale
    bank = params.time_bank.model_copy(update={"budget_s": budget})
    params = params.model_copy(update={"time_bank": bank})
    asyncio.run(answer_all(params, model, contest, count))


async def answer_all(params: Params, model: Path, contest: Any, count: int) -> None:
    """Take the problems as they come."""
    from numina.agent.open import open_agent, sampled_limits
    from numina.sctir.clock import Clock
    from numina.sctir.solve import solve

    sctir = params.sctir
    clock = Clock(params.time_bank, count, time.monotonic)  # loading the model counts too
    async with open_agent(params, model, sampled_limits(sctir, params.sandbox)) as agent:
        bar = progress_bar(count, "problems")
        for test, submission in contest.iter_test():
            problem = Problem(str(test["id"].iloc[0]), str(test["problem"].iloc[0]), "", "contest")
            seconds, answer = clock.allot(), None
            try:
                agent.check(problem)
            except UserError as error:  # one problem that cannot be asked must not end the rest
                bar.write(f"{error}; answered 0")
            else:
                verdict = await solve(
                    agent, problem, sctir.seeds[0], sctir, params.answers.contest, None, seconds
                )
                answer = verdict.answer
            submission["answer"] = int(answer or 0)
            contest.predict(submission)
            bar.set_postfix_str(
                f"{problem.id}: {answer}, bank {clock.banked_s():.0f} s", refresh=False
            )
            bar.update()
        bar.close()
