"""Play a contest: problems come one at a time, against the clock.

A killed run that is started again repeats no finished trace: finished traces are kept in a journal
under ~/.cache/numina, which is removed once every problem is answered.
"""

from __future__ import annotations

import asyncio
import csv
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from numina.agent.open import open_agent, sampled_limits
from numina.agent.trace import Agent
from numina.contest.aimo import PROBLEMS, LocalContest, contest_module, read_contest
from numina.errors import UserError
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.resume import resume_folder
from numina.sctir.clock import Clock
from numina.sctir.journal import Journal
from numina.sctir.solve import solve
from numina.settings import Params

BUDGET_S = 9 * 3600  # for the problems of the contest, unless time_bank has a budget
SECTIONS = {"sctir", "engine", "sandbox", "template", "answers"}


def play(params: Params, model: Path, path: Path | None, out: Path, scale: float) -> None:
    """Answer every problem; the answer is 0 if no trace has a vote, as the contest needs a number.

    Args:
        params: all knobs; the answer rule is `answers.contest`, the seed is the first of
            `sctir.seeds`; `time_bank.budget_s` is for the contest's 50 problems, 0 means 9 hours.
        model: a folder with a model.
        path: problems to serve; None for the contest's own.
        out: where our own environment writes the submission.
        scale: multiplies the contest's budget for a problem.
    """
    problems = read_contest(path) if path else []
    count = len(problems) or PROBLEMS
    budget = (params.time_bank.budget_s or BUDGET_S) / PROBLEMS * count * scale
    bank = params.time_bank.model_copy(update={"budget_s": budget})
    knobs = params.model_dump(mode="json", include=SECTIONS)
    rests_on = ["contest", knobs, [asdict(problem) for problem in problems]]
    clock = Clock(bank, count, time.monotonic)  # loading the model counts too
    folder = resume_folder("journals", model, rests_on, params.hardware.cache)
    with Journal(folder / "traces.jsonl") as journal:
        if problems:
            given = given_answers(out) if journal.finished else {}
            contest = LocalContest(problems, out, params.sctir.seeds[0], given)
        else:
            contest = contest_module()
        asyncio.run(answer_all(params, model, contest, count, clock, journal))
        journal.remove()


def given_answers(out: Path) -> dict[str, str]:
    """The answers in the submission that an interrupted run left."""
    if not out.is_file():
        return {}
    with out.open(encoding="utf-8", newline="") as rows:
        return {row["id"]: row["answer"] for row in csv.DictReader(rows) if row.get("answer")}


async def answer_all(
    params: Params, model: Path, contest: Any, count: int, clock: Clock, journal: Journal
) -> None:
    """Answer the problems in the order in which they are served."""
    limits, rule = sampled_limits(params.sctir, params.sandbox), params.answers.contest
    async with open_agent(params, model, limits) as agent:
        with progress_bar(count, "problems") as bar:
            for test, submission in contest.iter_test():
                name, text = str(test["id"].iloc[0]), str(test["problem"].iloc[0])
                problem = Problem(name, text, "", "contest")
                answer, note = await answered(agent, params, problem, clock, journal)
                if note:
                    bar.write(note)
                submission["answer"] = int(answer or 0) if rule.integer else answer or "0"
                contest.predict(submission)
                bank = f"{name}: {answer}, bank {clock.banked_s():.0f} s"
                bar.set_postfix_str(bank, refresh=False)
                bar.update()


async def answered(
    agent: Agent, params: Params, problem: Problem, clock: Clock, journal: Journal
) -> tuple[str | None, str]:
    """The answer to one problem, and a line to show if something was wrong with it.

    A problem that cannot be asked, or whose requests fail, must not end the contest.
    """
    sctir, rule, seconds = params.sctir, params.answers.contest, clock.allot()
    try:
        agent.check(problem)
        verdict = await solve(agent, problem, sctir.seeds[0], sctir, rule, journal, seconds)
    except UserError as error:
        return None, f"{error}; answered 0"
    return verdict.answer, ""
