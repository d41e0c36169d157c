"""Decide whether two answers are equal: exactly, or not at all.

A ladder: whole numbers as Python ints, never through floats; then fractions and decimals as
exact rationals; then the normalised text. What none of these can decide is undecided, not wrong
by a guess. (Symbolic equality, by Math-Verify in processes that can be killed, comes next.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

INTEGER = re.compile(r"[+-]?\d+")
DECIMAL = re.compile(r"[+-]?(\d+\.\d*|\.\d+)")
RATIO = re.compile(r"([+-]?\d+)/(\d+)")
LATEX_RATIO = re.compile(r"([+-]?)\\frac\{([+-]?\d+)\}\{(\d+)\}")
THOUSANDS = re.compile(r"[+-]?\d{1,3}((,|\\,|\{,\})\d{3})+(\.\d+)?")
DIGITS_LIMIT = 4000  # Python refuses to parse longer ints by default


@dataclass(frozen=True, slots=True)
class Equality:
    """A verdict: `equal` is True, False, or None where it is undecided; `method` says by what."""

    equal: bool | None
    method: str


def normalise(answer: str) -> str:
    """Take away what does not change an answer's value: spacing, dollar signs, text styling."""
    text = answer.strip().replace("$", "").replace("−", "-")
    text = re.sub(r"\\(?:text|mathrm|textbf|mathbf)\s*\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    text = re.sub(r"\\(?:left|right|!|;|:)", "", text)
    if THOUSANDS.fullmatch(text.strip()):
        text = re.sub(r"\\,|\{,\}|,", "", text)
    return re.sub(r"\s+", "", text).rstrip(".")


def as_rational(text: str) -> Fraction | None:
    """The exact value of a normalised integer, decimal or fraction; None for anything else."""
    if len(text) > DIGITS_LIMIT:
        return None
    if INTEGER.fullmatch(text) or DECIMAL.fullmatch(text):
        return Fraction(text)
    ratio = RATIO.fullmatch(text)
    if ratio and int(ratio[2]):
        return Fraction(int(ratio[1]), int(ratio[2]))
    latex = LATEX_RATIO.fullmatch(text)
    if latex and int(latex[3]):
        return Fraction(int(latex[1] + "1") * int(latex[2]), int(latex[3]))
    return None


def as_integer(answer: str) -> int | None:
    """The answer as an int where its value is whole (``18``, ``18.0``, ``36/2``), else None."""
    value = as_rational(normalise(answer))
    return int(value) if value is not None and value.denominator == 1 else None


def equal(prediction: str, gold: str) -> Equality:
    """Decide whether a predicted answer equals the gold one."""
    left, right = normalise(prediction), normalise(gold)
    if INTEGER.fullmatch(left) and INTEGER.fullmatch(right) and max(len(left), len(right)) < 4000:
        return Equality(int(left) == int(right), "integer")
    left_value, right_value = as_rational(left), as_rational(right)
    if left_value is not None and right_value is not None:
        return Equality(left_value == right_value, "rational")
    if left == right:
        return Equality(True, "text")
    return Equality(None, "undecided")
