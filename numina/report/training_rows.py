"""What the rows of a training are: where they are from, how long, with what kinds of answers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from numina.answer.equal import digits, read_answer
from numina.records.problem import Problem

A_DOUBLING = 4  # classes of lengths in a doubling of the length
DECIMAL = re.compile(r"[-+]?\d*\.\d+")
FRACTION = re.compile(r"[-+]?(?:\d+/\d+|\\[dt]?frac\{?\d+\}?\{?\d+\}?)")
SEVERAL = re.compile(
    r",|;|matrix\}|\\cup|\\in(?!t|f)|\\(?:text|mathrm)\{\s*(?:and|or)\s*\}|\bor\b|\band\b"
)
WORDS = re.compile(r"[A-Za-z]{3,}")
COMMAND = re.compile(r"\\[A-Za-z]+")
KINDS = ("whole number", "fraction or decimal", "other number", "several values or a set")
KINDS += ("formula", "option", "words", "none")


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """The rows of a training.

    Attributes:
        total: how many.
        sources: rows by source.
        origins: rows by source and, where it says so, by what the source has them from.
        lengths: rows by the class of their solutions' lengths, see `shortest`.
        kinds: rows by the kind of their answers.
    """

    total: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)


def described(rows: Iterable[Problem]) -> TrainingRows:
    """Count rows one by one."""
    found = TrainingRows()
    for row in rows:
        found.sources[row.source] += 1
        found.origins[f"{row.source}: {row.subsource}" if row.subsource else row.source] += 1
        found.lengths[length_class(len(row.solution))] += 1
        found.kinds[kind_of(row.answer)] += 1
    return TrainingRows(
        found.sources.total(), found.sources, found.origins, found.lengths, found.kinds
    )


def length_class(characters: int) -> int:
    """The class of a text's length."""
    return math.floor(A_DOUBLING * math.log2(max(1, characters)))


def shortest(length: int) -> float:
    """The least length of a class, in characters."""
    return 2 ** (length / A_DOUBLING)


def kind_of(answer: str) -> str:
    """Which of `KINDS` an answer is, read as the grader reads it, without sympy."""
    if digits(answer) is not None:
        return "whole number"
    if not answer.strip():
        return "none"
    text = answer.strip().strip("$").replace(" ", "")
    if DECIMAL.fullmatch(text) or FRACTION.fullmatch(text):
        return "fraction or decimal"
    read = read_answer(answer)
    if read.options:
        return "option"
    if read.number is not None:
        whole = read.number.value.denominator == 1
        return "whole number" if whole else "fraction or decimal"
    if SEVERAL.search(read.text):
        return "several values or a set"
    if WORDS.search(COMMAND.sub(" ", read.text)):
        return "words"
    return "other number" if not re.search(r"[a-z]", COMMAND.sub(" ", read.text)) else "formula"
