"""Play a contest: problems come one at a time, against the clock.

A killed run that is started again repeats no finished trace and asks no answered problem again:
traces and answers are kept under ~/.cache/numina until every problem is answered.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from numina.agent.open import open_agent, sampled_limits
from numina.contest.aimo import Aimo
from numina.contest.aimo2 import aimo2
from numina.contest.aimo3 import aimo3
from numina.contest.answers import Answers
from numina.contest.local import LocalContest, read_contest
from numina.contest.player import Player
from numina.errors import UserError
from numina.models.folder import check_model_folder
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.resume import resume_folder
from numina.sctir.clock import Clock
from numina.sctir.journal import Journal
from numina.settings import Params
from numina.settings.contests import ContestRules

Name = Literal["aimo", "aimo2", "aimo3", "local"]
SECTIONS = {"sctir", "engine", "sandbox", "template"}


class Contest(Protocol):
    """Asks problems, one at a time, and takes their answers."""

    def play(self, answer: Answer) -> None:
        """Ask every problem.

        Args:
            answer: from an id and a statement; it never raises an exception.
        """
        ...


class Answer(Protocol):
    def __call__(self, name: str, text: str, /) -> str: ...


def play(
    params: Params, model: Path, name: Name, path: Path | None, out: Path, scale: float = 1.0
) -> None:
    """Answer every problem of a contest.

    Args:
        params: all knobs; the contest's rules are `contests.NAME`, and `time_bank.budget_s`
            replaces their budget if it is above 0.
        model: a folder with a model.
        name: of the contest.
        path: a file of problems; None for the contest's own.
        out: where a contest of our own writes the submission.
        scale: multiplies the budget.

    Raises:
        UserError: a file, the contest's module or the model is missing, before anything is asked.
    """
    rules: ContestRules = getattr(params.contests, name)
    problems = local_problems(path) if name == "local" else []
    count = len(problems) or rules.problems
    bank = params.time_bank
    budget = (bank.budget_s or rules.budget_s) / rules.problems * count * scale
    clock = Clock(bank.model_copy(update={"budget_s": budget}), count, time.monotonic)
    check_model_folder(model)
    contest = open_contest(name, problems, path, out, params.sctir.seeds[0])
    agent = partial(open_agent, params, model, sampled_limits(params.sctir, params.sandbox))
    knobs = params.model_dump(mode="json", include=SECTIONS)
    asked = [asdict(problem) for problem in problems]
    rests_on = ["contest", name, rules.model_dump(mode="json"), knobs, asked]
    folder = resume_folder("journals", model, rests_on, params.hardware.cache)
    with (
        Journal(folder / "traces.jsonl") as journal,
        Answers(folder / "answers.jsonl") as answers,
        progress_bar(count, "problems") as bar,
    ):

        def answered(name: str, answer: str) -> None:
            left = f"{name}: {answer}, bank {clock.banked_s():.0f} s"
            bar.set_postfix_str(left, refresh=False)
            bar.update()

        with Player(agent, params.sctir, rules, clock, journal, answers, answered) as player:
            if not serves(name):
                player.wait_until_open()
            contest.play(player.answer)
            player.refuse_failed()
        journal.remove()


def serves(name: Name) -> bool:
    """Whether a contest calls us, and expects a server before a large model is loaded."""
    return name in ("aimo2", "aimo3")


def local_problems(path: Path | None) -> list[Problem]:
    """The problems of a contest of our own.

    Raises:
        UserError: no file is given, or it is wrong.
    """
    if path is None:
        raise UserError("--contest local needs --problems FILE")
    return read_contest(path)


def open_contest(
    name: Name, problems: list[Problem], path: Path | None, out: Path, seed: int
) -> Contest:
    """A contest by its name.

    Raises:
        UserError: its module or a file is missing.
    """
    if name == "local":
        return LocalContest(problems, out, seed)
    if name == "aimo":
        return Aimo()
    return {"aimo2": aimo2, "aimo3": aimo3}[name](path)
