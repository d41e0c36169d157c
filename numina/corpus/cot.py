"""Chain-of-thought samples: realigned into steps, with the final answer in a box."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Sequence

from numina.answer.find import last_box
from numina.corpus.soundness import is_missing, is_placeholder, not_english, runs_together
from numina.records.dropped import Dropped
from numina.records.problem import Problem

CALCULATOR = re.compile(r"<<[^<>]*>>")  # GSM8K's annotations
FINAL_LINE = re.compile(r"\n*####\s*\S.*\s*$")  # GSM8K's last line


def cot_samples(
    problems: Sequence[Problem], max_rows: int, seed: int
) -> tuple[list[Problem], list[Dropped]]:
    """The rows to train on, realigned, at most `max_rows` of them by seed; and all the others.

    Nothing here translates yet: rows that are not in English are left out.
    """
    samples, dropped = [], []
    for row in problems:
        if rule := unfit(row):
            dropped.append(Dropped(row.id, rule))
        else:
            samples.append(realign(row))
    samples.sort(key=lambda row: row.id)
    drawn = random.Random(seed).sample(samples, min(max_rows, len(samples)))
    ids = {row.id for row in drawn}
    return drawn, dropped + [Dropped(row.id, "not_drawn") for row in samples if row.id not in ids]


def unfit(row: Problem) -> str:
    """The rule by which a row cannot be trained on; "" where it can."""
    text = f"{row.problem}\n{row.solution}"
    box = last_box(row.solution)
    if is_missing(row.solution):
        return "no_solution"
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
