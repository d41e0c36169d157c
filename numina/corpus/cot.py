"""Chain-of-thought samples: in English, realigned into steps, with the answer in a box.

Rules do what they can; a teacher, where there is one, does the rest: it translates, and puts in
order a solution that does not end in its answer. Only rows that are drawn are asked of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import islice

from numina.answer.find import find_answer, last_box
from numina.corpus.language import not_english
from numina.corpus.realign import Objection, contradiction, finished, with_answer
from numina.corpus.rewriting.rewrite import Teacher, realigned, translated, unfolded
from numina.corpus.sifted import Sifted
from numina.corpus.soundness import is_missing, is_placeholder, runs_together
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import picked

IN_FLIGHT = 256  # rows in memory
Opened = AbstractAsyncContextManager[Teacher]


def cot_samples(
    problems: Sequence[Problem],
    max_rows: int,
    seed: int,
    rows: Sifted,
    teacher: Opened | None = None,
) -> None:
    """Draw at most `max_rows` rows that can be trained on, by seed and in its order, realign or
    translate them, and leave out the others, each with the rule and the reason.

    Args:
        problems: gone through once; then those that are chosen are read again.
        max_rows: how many to draw. Of those, what a teacher cannot mend is left out, too.
        seed: of the choice.
        rows: takes them.
        teacher: for rows that rules cannot mend; without one, they are left out or, if nothing
            speaks against their answer, kept as they are.
    """
    fit: list[tuple[str, int]] = []
    for place, row in enumerate(problems):
        if objection := unfit(row, taught=teacher is not None):
            rows.reject(Removal(row, objection.rule, reason=objection.reason))
        else:
            fit.append((row.id, place))
    fit.sort()
    drawn = random.Random(seed).sample(fit, min(max_rows, len(fit)))
    left = sorted({place for _, place in fit} - {place for _, place in drawn})
    for row in picked(problems, left):
        rows.leave_out(row, "not_drawn")
    found = picked(problems, [place for _, place in drawn])
    if teacher is None:
        for row in found:
            rows.take(taken(row, by_rule(row)))
    else:
        asyncio.run(by_teacher(found, teacher, rows))


def unfit(row: Problem, taught: bool) -> Objection | None:
    """Why a row is not trained on; None if it can be, if need be once a teacher mended it."""
    row = unfolded(row)
    if is_missing(row.solution):
        return Objection("only_tools" if row.tools else "no_solution")
    if why := foreign_text(row):
        if not taught:
            return Objection("not_english", f"{why}, and there is no teacher to translate it")
        return unmendable(contradiction(row)) if row.answer else None
    if wrong := badly_answered(row):
        return Objection(wrong)
    if runs_together(f"{row.problem}\n{row.solution}"):
        return Objection("run_together")
    objection = contradiction(with_answer(row))
    return unmendable(objection) if taught else objection


def unmendable(objection: Objection | None) -> Objection | None:
    """An objection that no teacher can meet: it may lead a solution to its answer, not to another
    one than it states."""
    return None if objection and objection.rule == "answer_not_reached" else objection


def foreign_text(row: Problem) -> str:
    """Why a row is not in English, in words; "" if it is."""
    return not_english(row.problem) or not_english(row.solution)


def badly_answered(row: Problem) -> str:
    """The rule that excludes a row for its answer; "" if there is one."""
    box = last_box(row.solution)
    if box is not None:
        return "placeholder" if is_placeholder(box) else ""
    if row.answer.strip():
        return "placeholder" if is_missing(row.answer) else ""
    return "" if find_answer(row.solution) else "no_answer"


async def by_teacher(found: Iterator[Problem], teacher: Opened, rows: Sifted) -> None:
    """Take rows in their order, mended by the teacher where rules cannot."""
    async with teacher as asked:
        while some := list(islice(found, IN_FLIGHT)):
            made = await asyncio.gather(*(mended(row, asked) for row in some))
            for row, result in zip(some, made, strict=True):
                rows.take(taken(row, result))


async def mended(row: Problem, teacher: Teacher) -> Problem | Objection:
    """A row that can be trained on, by the teacher where rules do not suffice."""
    whole = unfolded(row)
    if foreign_text(whole):
        return await translated(whole, teacher)
    if with_answer(whole).answer and find_answer(whole.solution) is None:
        return await realigned(whole, teacher)
    return by_rule(row)


def by_rule(row: Problem) -> Problem | Objection:
    """A row that can be trained on, by rules alone."""
    return finished(unfolded(row))


def taken(row: Problem, made: Problem | Objection) -> Problem | Removal:
    """What becomes of a row: the one that was made of it, or its removal, whole."""
    if isinstance(made, Problem):
        return made
    return Removal(row, made.rule, reason=made.reason)
