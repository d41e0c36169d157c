"""Chain-of-thought samples: realigned into steps, with the final answer in a box."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Sequence

from numina.answer.find import last_box
from numina.corpus.sifted import Sifted
from numina.corpus.soundness import is_missing, is_placeholder, not_english, runs_together
from numina.records.problem import Problem
from numina.rows import picked

CALCULATOR = re.compile(r"<<[^<>]*>>")  # GSM8K's annotations
FINAL_LINE = re.compile(r"\n*####\s*\S.*\s*$")  # GSM8K's last line


def cot_samples(problems: Sequence[Problem], max_rows: int, seed: int, rows: Sifted) -> None:
    """Keep at most `max_rows` realigned rows, chosen by seed and in its order, and leave out the
    others, such as those that are not in English.

    Args:
        problems: gone through once; then those that are chosen are read again.
        max_rows: how many to keep.
        seed: of the choice.
        rows: takes them.
    """
    fit: list[tuple[str, int]] = []
    for place, row in enumerate(problems):
        if rule := unfit(row):
            rows.leave_out(row, rule)
        else:
            fit.append((row.id, place))
    fit.sort()
    drawn = random.Random(seed).sample(fit, min(max_rows, len(fit)))
    left = sorted({place for _, place in fit} - {place for _, place in drawn})
    for row in picked(problems, left):
        rows.leave_out(row, "not_drawn")
    for row in picked(problems, [place for _, place in drawn]):
        rows.keep(realign(row))


def unfit(row: Problem) -> str:
    """The rule that excludes a row from training; "" if none does."""
    text = f"{row.problem}\n{row.solution}"
    box = last_box(row.solution)
    if is_missing(row.solution):
        return "only_tools" if row.tools else "no_solution"
    if box is None and not row.answer.strip():
        return "no_answer"
    if is_placeholder(box) if box is not None else is_missing(row.answer):
        return "placeholder"
    if not_english(text):
        return "not_english"
    return "run_together" if runs_together(text) else ""


def realign(row: Problem) -> Problem:
    """A row whose solution is plain steps that end in ``\\boxed{answer}``."""
    steps = CALCULATOR.sub("", row.solution)
    steps = FINAL_LINE.sub("", steps)
    steps = re.sub(r"[ \t]+\n", "\n", re.sub(r"\n{2,}", "\n", steps)).strip()
    box = last_box(steps)
    if box is None:
        steps += f"\nThe answer is $\\boxed{{{row.answer}}}$."
    answer = box if box is not None and is_missing(row.answer) else row.answer
    return dataclasses.replace(row, solution=steps, answer=answer)
