r"""Realign a solution by rules: plain steps, the answer at the end and in a box.

The grader compares the box with the answer before and after. Where no box and no sentence states
the answer, its last line may not end in another one.
"""

from __future__ import annotations

import dataclasses
import re
from typing import NamedTuple

from numina.answer.equal import equal
from numina.answer.find import BARE_BOX, BOX, MATH, find_answer, last_box
from numina.corpus.soundness import NOT_PROSE, is_missing
from numina.records.problem import Problem

CALCULATOR = re.compile(r"<<[^<>]*>>")  # GSM8K's annotations
FINAL_LINE = re.compile(r"\n*####\s*\S.*\s*$")  # GSM8K's last line
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?")
SENTENCE = re.compile(r"\A\s*(?P<first>.+?(?:\.(?=\s+\S)|\n|\Z))\s*(?P<rest>.*)\Z", re.S)
STATES = re.compile(r"\W*(?:(?:the|our|final|correct|right)\s+)*(?:answer|ans)\b", re.I)
HEADING = re.compile(
    r"\A\W*(?:solution|explanation|reasoning|proof|because)\b\W*[:\n]\W*?(?=\S)", re.I
)
LEAST_REST = 40  # characters after a first sentence that states the answer
DOLLARS = re.compile(r"(?<!\\)\$+")
LETTER = re.compile(r"[^\W\d_]")
TRAILING = 60  # letters after the last box, and the share of all, that make it worth repeating
TRAILING_SHARE = 0.25


class Objection(NamedTuple):
    """Why a row is not trained on: a rule, and in words where the rule does not say all."""

    rule: str
    reason: str = ""


def realign(row: Problem) -> Problem:
    r"""A row whose solution is plain steps that end in ``\boxed{answer}``."""
    row = with_answer(row)
    steps = FINAL_LINE.sub("", CALCULATOR.sub("", row.solution))
    steps = BARE_BOX.sub(
        lambda box: f"\\boxed{{{box[1].rstrip('.')}}}" + "." * box[1].endswith("."), steps
    )
    steps = without_lead(steps, row.answer)
    steps = re.sub(r"[ \t]+\n", "\n", re.sub(r"\n{2,}", "\n", steps)).strip()
    if last_box(steps) is None or buried(steps):
        steps += f"\nThe answer is $\\boxed{{{in_box(row.answer)}}}$."
    return dataclasses.replace(row, solution=steps)


def in_box(answer: str) -> str:
    r"""An answer as it stands in a box: a formula, with the words between formulas in ``\text``."""
    parts = DOLLARS.split(answer)
    if len(parts) == 1:
        return answer
    parts[-1] = parts[-1].rstrip(" .")
    if len(parts) % 2:
        for at in range(0, len(parts), 2):
            parts[at] = f"\\text{{{parts[at]}}}" if LETTER.search(parts[at]) else parts[at]
    return "".join(parts).strip()


def finished(row: Problem) -> Problem | Objection:
    """A row, realigned, if its box equals its answer before and after."""
    row = with_answer(row)
    if objection := contradiction(row):
        return objection
    made = realign(row)
    return contradiction(made) or made


def with_answer(row: Problem) -> Problem:
    """A row with what its solution states, if its answer is missing."""
    if row.answer.strip() and not (is_missing(row.answer) and last_box(row.solution)):
        return row
    stated = last_box(row.solution) or find_answer(row.solution) or ""
    return dataclasses.replace(row, answer=stated.strip().rstrip("."))


def contradiction(row: Problem) -> Objection | None:
    """Why a solution does not lead to the row's answer; None if nothing speaks against it.

    Rules: ``answer_differs``, ``answer_undecided`` (the grader cannot tell), and
    ``answer_not_reached`` (no answer is stated, and the last line ends in another value).
    """
    box, stated = last_box(row.solution), find_answer(row.solution)
    found = [text for text in (box, stated) if text]
    if not found:
        return ends_elsewhere(row)
    verdicts = [equal(text, row.answer) for text in found]
    if any(verdict.equal for verdict in verdicts):
        return None
    said = f"the solution states {short(found[0])}, the answer is {short(row.answer)}"
    if verdicts[0].equal is None:
        why = verdicts[0].why or verdicts[0].method
        return Objection("answer_undecided", f"{said}, and the grader cannot tell ({why})")
    return Objection("answer_differs", said)


def ends_elsewhere(row: Problem) -> Objection | None:
    """Why the last line of a solution that states no answer ends in another one."""
    lines = row.solution.strip().splitlines()
    if not lines:
        return None
    formulas = [next(filter(None, match.groups())) for match in MATH.finditer(lines[-1])]
    values = [part for formula in formulas for part in (formula, *formula.split("="))]
    digits = re.findall(r"\d+", lines[-1])
    values += NUMBER.findall(lines[-1]) + digits
    if not values or any(equal(value.strip(" .,"), row.answer).equal for value in values):
        return None
    parts = re.findall(r"\d+", row.answer)
    if parts and set(parts) <= set(digits):  # 3:2, (3, 2)
        return None
    said = f"the solution ends in {short(lines[-1][-60:])}, the answer is {short(row.answer)}"
    return Objection("answer_not_reached", said)


def without_lead(steps: str, answer: str) -> str:
    """A solution without a first sentence that states the answer before its reasons."""
    match = SENTENCE.match(steps)
    if match is None or len(match["rest"]) < LEAST_REST:
        return steps
    first, stated = match["first"], find_answer(match["first"])
    boxed = BOX.search(first) and not LETTER.search(NOT_PROSE.sub(" ", BOX.sub(" ", first)))
    if stated is None or not (STATES.match(first) or boxed) or not equal(stated, answer).equal:
        return steps
    return HEADING.sub("", match["rest"])


def buried(steps: str) -> bool:
    """Whether much is said after the last box."""
    last = [*BOX.finditer(steps)][-1]
    after, every = (
        len(LETTER.findall(NOT_PROSE.sub(" ", text))) for text in (steps[last.end() :], steps)
    )
    return after > TRAILING and after > TRAILING_SHARE * every


def short(text: str) -> str:
    """The beginning of a text in one line, for messages."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:77]}..."
