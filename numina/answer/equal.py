"""Decide whether two answers are equal: exactly, or not at all.

A ladder. Whole numbers by their digits, never through floats; then fractions and decimals as exact
rationals; then the normalised text; then formulas, sets, intervals, matrices and equations, by
sympy and Math-Verify in processes that can be killed (`pool`). What none of these can decide is
undecided, with the reason, and not wrong by a guess.
"""

from __future__ import annotations

import asyncio
import functools
import re
from dataclasses import dataclass, replace

from numina.answer import find, normalise
from numina.answer.measure import take_unit
from numina.answer.number import LONGEST, Number, agree, read_decimal_comma, read_number
from numina.answer.pool import shared_pool

INTEGER = re.compile(r"([+-]?)0*(\d+)(?:\.0*)?", re.ASCII)
NAMED = re.compile(r"([A-Za-z](?:_\w|_\{\w+\})?) ?= ?(?=[-+\d.\\])")
OPTION = re.compile(
    r"(?:\\[a-z]+ ?\{)? ?\(([A-E])\) ?\}?\.?(?! ?[-+*/^=,]) *(.*)|([A-E])\.? *", re.S
)
LONGEST_FORMULA = 2000  # characters


@dataclass(frozen=True, slots=True)
class Equality:
    """A verdict.

    Attributes:
        equal: True, False, or None where it is undecided.
        method: what decided: ``integer``, ``rational``, ``text``, ``unit``, ``symbolic``,
            ``math_verify``; where nothing did, ``undecided``, ``timeout`` or ``crash``.
        why: the reason where nothing did.
        status: ``decided``; else ``undecided``, ``timeout`` or ``crash`` (of the process).
    """

    equal: bool | None
    method: str
    why: str = ""
    status: str = "decided"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read once: its clean text, and what is plain about it without sympy.

    Attributes:
        text: clean, with its unit and name.
        key: what equal texts share.
        unit: as `take_unit` knows it, or "".
        name: x where a number stands as ``x = 5``, or "".
        number: the number that it is.
        comma: the number that it is if its comma is a decimal point.
        option: the letter of a multiple choice before or instead of a value, or "".
        value: what stands behind that letter.
    """

    text: str
    key: str
    unit: str = ""
    name: str = ""
    number: Number | None = None
    comma: Number | None = None
    option: str = ""
    value: str = ""


def equal(prediction: str, gold: str) -> Equality:
    r"""Decide whether a predicted answer equals the gold one. For any thread.

    Either may be a plain answer or a whole text with the answer in a box. An exact gold wants an
    exact prediction; a gold decimal of two places or more accepts what rounds to it (`agree`).
    With a percent sign on one side only, both readings count (``50\%``: 50 and 0.5).
    """
    left, right = digits(prediction), digits(gold)
    if left is not None and right is not None:
        return Equality(left == right, "integer")
    if prediction == gold:
        return Equality(True, "text")
    return equal_answers(read_answer(prediction), read_answer(gold))


def alike(left: str, right: str) -> bool:
    """Whether two answers count as one, whichever is taken for the gold: for votes."""
    return equal(left, right).equal is True and equal(right, left).equal is True


async def equal_async(prediction: str, gold: str) -> Equality:
    """`equal`, for an event loop that must not wait."""
    return await asyncio.to_thread(equal, prediction, gold)


def as_integer(answer: str) -> int | None:
    r"""The answer as an int where its value is whole (``18``, ``18.0``, ``36/2``), else None.

    Units and names are passed over (``x = 18``, ``18\text{ cm}``). A percentage or a number in a
    base is no integer, and neither is one of more than `LONGEST` digits.
    """
    if (plain := digits(answer)) is not None:
        return int("".join(plain)) if len(plain[1]) <= LONGEST else None
    read = read_answer(answer)
    if read.number is None or read.number.value.denominator > 1 or read.unit == "%":
        return None
    return int(read.number.value)


def digits(text: str) -> tuple[str, str] | None:
    """Sign and digits of a plain whole number; they are equal exactly if the numbers are."""
    match = INTEGER.fullmatch(text.strip())
    if match is None:
        return None
    sign = "-" if match[1] == "-" and match[2] != "0" else ""
    return sign, match[2]


@functools.lru_cache(maxsize=4096)
def read_answer(text: str) -> Answer:
    """Find, clean and read an answer, as far as that goes without sympy."""
    stated = find.stated_answer(normalise.repair(text))
    cleaned = normalise.clean(stated)
    if match := OPTION.fullmatch(cleaned):
        letter, value = match[1] or match[3], match[2] or ""
        return Answer(cleaned, letter, option=letter, value=value)
    bare, unit = take_unit(cleaned)
    bare, inner = take_unit(normalise.unstyled(bare))
    unit = unit or inner
    name, value = "", bare
    if match := NAMED.match(bare):
        name, value = match[1], bare[match.end() :]
    number = read_number(value)
    if number is not None:
        return Answer(cleaned, normalise.key(value), unit, name, number)
    if match := OPTION.fullmatch(bare):
        return Answer(cleaned, match[3] or match[1], option=match[3] or match[1])
    return Answer(cleaned, normalise.key(bare), unit, comma=read_decimal_comma(bare))


def equal_answers(left: Answer, right: Answer) -> Equality:
    if left.option and right.option:
        return Equality(left.option == right.option, "text")
    if left.value:
        return equal(left.value, right.text)
    if right.value:
        return equal(left.text, right.value)
    if left.unit and right.unit and left.unit != right.unit:
        return Equality(False, "unit")
    if left.name and right.name and left.name != right.name:
        return Equality(False, "text")
    if left.number and right.number:
        return Equality(same_number(left, right), "rational")
    for one, other in ((left, right), (right, left)):
        if one.comma and other.number and other.number.places is not None:
            return Equality(agree(one.comma, other.number), "rational")
    if left.key == right.key:
        return Equality(True, "text")
    if not left.key or not right.key:
        return Equality(False, "text")
    if max(len(left.text), len(right.text)) > LONGEST_FORMULA:
        return Equality(None, "undecided", "too long", "undecided")
    for one, other in ((left, right), (right, left)):
        if one.unit == "°" and not other.unit and r"\pi" in other.text:
            one_text = rf"({take_unit(one.text)[0]})\pi/180"  # the other is in radians
            return symbolic(*((one_text, right.text) if one is left else (left.text, one_text)))
    return symbolic(left.text, right.text)


def same_number(left: Answer, right: Answer) -> bool:
    assert left.number and right.number
    if agree(left.number, right.number):
        return True
    if (left.unit == "%") == (right.unit == "%"):
        return False
    hundredth = [
        replace(side.number, value=side.number.value / 100, places=None)
        if side.unit == "%" and side.number
        else side.number
        for side in (left, right)
    ]
    return hundredth[0].value == hundredth[1].value  # type: ignore[union-attr]


@functools.lru_cache(maxsize=65536)
def symbolic(left: str, right: str) -> Equality:
    verdict, method, why = shared_pool().decide(left, right)
    if verdict is not None:
        return Equality(verdict, method)
    return Equality(None, method, why, method if method in ("timeout", "crash") else "undecided")
