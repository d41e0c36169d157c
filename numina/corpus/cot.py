"""Chain-of-thought samples: realigned into steps, with the final answer in a box."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Sequence

from numina.answer.find import last_box
from numina.records.problem import Problem

NOT_ENGLISH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0400-\u04ff]")
RUN_TOGETHER = re.compile(r"(?<!\\)[A-Za-z]{17,}")  # OCR that lost its spaces
CALCULATOR = re.compile(r"<<[^<>]*>>")  # GSM8K's annotations
FINAL_LINE = re.compile(r"\n*####\s*\S.*\s*$")  # GSM8K's last line


def cot_samples(problems: Sequence[Problem], max_rows: int, seed: int) -> list[Problem]:
    """The rows to train on: solved, in English, realigned, at most `max_rows` of them by seed.

    Nothing here translates yet: rows that are not in English are left out, and so are scans whose
    words run together.
    """
    samples = [
        realign(row)
        for row in problems
        if row.solution.strip()
        and row.answer
        and not NOT_ENGLISH.search(row.problem + row.solution)
        and not RUN_TOGETHER.search(row.problem + row.solution)
    ]
    samples.sort(key=lambda row: row.id)
    return random.Random(seed).sample(samples, min(max_rows, len(samples)))


def realign(row: Problem) -> Problem:
    """A row whose solution is plain steps that end in ``\\boxed{answer}``."""
    steps = CALCULATOR.sub("", row.solution)
    steps = FINAL_LINE.sub("", steps)
    steps = re.sub(r"[ \t]+\n", "\n", re.sub(r"\n{2,}", "\n", steps)).strip()
    if last_box(steps) is None:
        steps += f"\nThe answer is $\\boxed{{{row.answer}}}$."
    return dataclasses.replace(row, solution=steps)
