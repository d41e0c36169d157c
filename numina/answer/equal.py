"""Decide exactly whether two answers are equal, or report that they are undecided.

The steps, in order: whole numbers by their digits, never through floats; fractions and decimals as
exact rationals; the normalised text; formulas, sets, intervals, matrices and equations, by sympy
and Math-Verify in processes that can be killed (`pool`). A pair that none of these decides is
undecided, with the reason; it is not counted as wrong by a guess.

Votes are counted by `canonical`, which reads an answer in the same way as `equal`.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from fractions import Fraction

from numina.answer import find, named_sets, normalise, ordinals
from numina.answer.angles import in_degrees, part_of_degree
from numina.answer.clock import in_figures
from numina.answer.declared import may_be_families
from numina.answer.named_sets import symbols
from numina.answer.number import (
    LONGEST,
    NOISE,
    Number,
    equal_numbers,
    read_decimal_comma,
    read_number,
)
from numina.answer.options import chosen, is_circled, read_options
from numina.answer.pool import shared_pool
from numina.answer.printed import as_latex
from numina.answer.quantities import feet_and_inches, sum_of_units
from numina.answer.unit_vectors import marked
from numina.answer.units import NONE, Unit, named, ratio, take_unit

INTEGER = re.compile(r"([+-]?)0*(\d+)(?:\.0*)?", re.ASCII)
NAMED = re.compile(r"([A-Za-z](?:_\w|_\{\w+\})?) ?= ?(?=[-+\d.\\])")
TOTAL = re.compile(
    r"(?P<of>[a-z]+(?: ?\+ ?[a-z]+)+|[A-Z]{2}(?: ?\+ ?[A-Z]{2})+|[a-z]{2,3})"
    r"(?: ?=[^=,]+)*? ?= ?(?P<value>[^=,]+)"
)
BASED = re.compile(r"\d_\{?\d")
PER = "(?:k?m|cm|mm|k?g|[Ll])/(?:h|s|min|m|[Ll])"  # units that two letters may make
OF_A_SET = re.compile(
    r"^(?:the |its )?(?:domain|range|solution(?: set)?|answer|set of solutions)(?: of [^.]{1,30}?)?"
    r" (?:is|are) ",
    re.I,
)
LONGEST_FORMULA = 4000  # characters


@dataclass(frozen=True, slots=True)
class Equality:
    """A verdict.

    Attributes:
        equal: True, False, or None if it is undecided.
        method: what decided: ``integer``, ``rational``, ``text``, ``unit``, ``symbolic``,
            ``math_verify``; if nothing did, ``undecided``, ``timeout`` or ``crash``.
        why: the reason if nothing decided.
        status: ``decided``; else ``undecided``, ``timeout`` or ``crash`` (of the process).
    """

    equal: bool | None
    method: str
    why: str = ""
    status: str = "decided"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read once: its clean text, and what can be read from it without sympy.

    Attributes:
        text: clean, without its unit, with its name.
        key: the same for equal texts.
        unit: its unit, `NONE` for none.
        name: x if a number is given as ``x = 5``, else "".
        number: the number that it is.
        comma: the number that it is if its comma is a decimal point.
        options: the letters of a multiple choice before or instead of a value.
        value: what follows such a letter.
        declared: clean, with its unit and the declaration of its parameter.
    """

    text: str
    key: str
    unit: Unit = NONE
    name: str = ""
    number: Number | None = None
    comma: Number | None = None
    options: frozenset[str] = frozenset()
    value: str = ""
    declared: str = ""


def equal(prediction: str, gold: str) -> Equality:
    r"""Decide whether a predicted answer equals the gold one. Can be called from any thread.

    Either may be a plain answer or a whole text with the answer in a box. An exact gold needs an
    exact prediction; a gold decimal of two places or more accepts what rounds to it
    (`equal_numbers`). With a percent sign on one side only, both readings count (``50\%``: 50 and
    0.5).
    """
    left, right = digits(prediction), digits(gold)
    if left is not None and right is not None:
        return Equality(left == right, "integer")
    if prediction == gold:
        return Equality(True, "text")
    return equal_answers(read_answer(prediction), read_answer(gold))


@functools.lru_cache(maxsize=65536)
def canonical(answer: str) -> str:
    r"""One text for all spellings of an answer, for votes. Can be called from any thread.

    ``18``, ``18.0``, ``\frac{36}{2}``, ``x = 18``, ``18\text{ cm}`` and ``(C) 18`` are ``18``.
    Two answers count as one exactly if these texts are the same, so that a vote does not depend on
    the order of its traces. Decimals are exact, a percentage is not a number, and an answer that
    cannot be read within the limit is counted by its spelling.
    """
    if (plain := digits(answer)) is not None:
        return "".join(plain)
    read = read_answer(answer)
    if read.options:
        return canonical(read.value) if read.value else f"({', '.join(sorted(read.options))})"
    return f"{value_form(read)}{'%' if read.unit.name == '%' else ''}"


def value_form(read: Answer) -> str:
    if read.number is not None:
        return str(printed_value(read.number))
    if len(read.text) > LONGEST_FORMULA or not read.key:
        return f"text {read.key}"
    return shared_pool().canonical(read.text) or f"text {read.key}"


def printed_value(number: Number) -> Fraction:
    """A number's value; for all the digits of a double, the simple fraction that they stand for."""
    if not number.is_double:
        return number.value
    simple = number.value.limit_denominator(10**6)
    return simple if abs(simple - number.value) <= abs(simple) * NOISE else number.value


def as_integer(answer: str) -> int | None:
    r"""The answer as an int if its value is whole (``18``, ``18.0``, ``2^4+2``), else None.

    It is read as `equal` reads it: units and names are ignored (``x = 18``, ``m+n = 18``,
    ``18\text{ cm}``, ``18\%``), and so are brackets and the letter of an option. A number in a base
    and a number of more than `LONGEST` digits are not integers.
    """
    if (plain := digits(answer)) is not None:
        return int("".join(plain)) if len(plain[1]) <= LONGEST else None
    if BASED.search(answer.replace(" ", "")):
        return None
    if not re.search(r"\d", answer) and read_answer(answer).number is None:
        return None
    form = canonical(answer).removesuffix("%")
    if digits(form) is None or len(form) > LONGEST:
        return None
    return int(form)


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
    repaired = in_numbers(normalise.repair(text))
    if found := set_in_words(repaired):
        return Answer(found, normalise.key(found))
    stated = find.stated_answer(repaired)
    if len(stated) > 2 * LONGEST_FORMULA:
        return Answer(stated, stated)
    cleaned = normalise.clean(marked(as_latex(in_numbers(stated))))
    cleaned = in_degrees(symbols(cleaned))
    cleaned = set_in_words(cleaned) or cleaned
    shown = normalise.unstyled(cleaned)
    if options := read_options(shown):
        letters, value = options
        spelled = "".join(letters) if value else normalise.key(shown)
        return Answer(shown, spelled, options=letters, value=value)
    bare, unit = sum_of_units(shown) or take_unit(cleaned)
    bare, inner = take_unit(normalise.unstyled(bare))
    unit = unit or inner
    name, value = "", bare
    if match := NAMED.match(bare):
        name, value = match[1], bare[match.end() :]
    elif match := TOTAL.fullmatch(bare):
        terms = match["of"].replace(" ", "").split("+")
        name, value = "+".join(sorted("".join(sorted(term)) for term in terms)), match["value"]
    number = read_number(value) or read_number(unbracketed(value))
    if number is not None:
        return Answer(bare, normalise.key(value), unit, name, number)
    comma = read_decimal_comma(bare)
    declared = normalise.clean(as_latex(stated), declared=True)
    return Answer(bare, normalise.key(bare), unit, comma=comma, declared=declared)


def in_numbers(text: str) -> str:
    """An ordinal or a time of day in words, in digits; any other text as it is."""
    if len(text) > named_sets.LONGEST:
        return text
    shown = normalise.unstyled(text.replace("$", "")).strip(" .")
    found = in_figures(ordinals.in_digits(shown))
    return text if found == shown else found


def set_in_words(text: str) -> str | None:
    """A set such as ``all real numbers except 2`` in symbols, None for any other text."""
    if len(text) > named_sets.LONGEST:
        return None
    shown = normalise.unstyled(normalise.clean(text))
    return named_sets.in_symbols(OF_A_SET.sub("", shown))


def unbracketed(text: str) -> str:
    """A text without the round brackets around all of it."""
    match = re.fullmatch(r"\(\s*([^(),]*?)\s*\)", text)
    return match[1] if match else text


def equal_answers(left: Answer, right: Answer) -> Equality:
    left, right = as_option(left, right), as_option(right, left)
    if left.options and right.options:
        return Equality(left.options == right.options, "text")
    if is_circled(left.text) or is_circled(right.text):
        return Equality(False, "text")
    if left.value:
        return equal(left.value, right.text)
    if right.value:
        return equal(left.text, right.value)
    if (verdict := by_families(left, right)) is not None:
        return verdict
    left, right = in_letters(left, right), in_letters(right, left)
    if any(re.match(r"rad(?:ian)?\^", side.unit.name) for side in (left, right)):
        left, right = in_radians(left), in_radians(right)
    scale = ratio(left.unit, right.unit)
    if scale is None:
        return Equality(False, "unit")
    if left.name and right.name and left.name != right.name:
        return Equality(False, "text")
    if left.number and right.number:
        return Equality(equal_in_units(left, right, scale), "rational")
    for one, other in ((left, right), (right, left)):
        if one.comma and other.number and other.number.places is not None:
            return Equality(equal_numbers(one.comma, other.number), "rational")
    if left.key == right.key and scale == 1:
        return Equality(True, "text")
    if not left.key or not right.key:
        return Equality(False, "text")
    if max(len(left.text), len(right.text)) > LONGEST_FORMULA:
        return Equality(None, "undecided", "too long", "undecided")
    return equal_formulas(left, right, scale)


def by_families(left: Answer, right: Answer) -> Equality | None:
    """The verdict on two answers as sets with a parameter; None if they are none."""
    if left.key == right.key or not may_be_families(left.declared, right.declared):
        return None
    if max(len(left.declared), len(right.declared)) > LONGEST_FORMULA:
        return None
    return families(left.declared or left.text, right.declared or right.text)


def as_option(one: Answer, other: Answer) -> Answer:
    """An answer such as ``b`` or ``ACD`` as the options that it names, if the other has options."""
    if one.options or not other.options or other.value or is_circled(other.text):
        return one
    return replace(one, options=chosen(one.text))


def in_radians(angle: Answer) -> Answer:
    """An angle in degrees in radians, as the other is; without its unit."""
    if angle.unit.name != "°":
        return replace(angle, unit=NONE)
    text = rf"({angle.text})\pi/180"
    return replace(angle, text=text, key=normalise.key(text), unit=NONE, number=None)


def in_letters(one: Answer, other: Answer) -> Answer:
    """An answer whose letter after its number is a unit (``5000 m``), as the other has a unit."""
    if other.unit.kind == "length" and (inches := feet_and_inches(one.text)) is not None:
        return replace(one, text=str(inches), unit=named("in", 1), number=Number(inches))
    order = ordinals.value_of(one.text) if ordinals.UNIT in other.unit.name else None
    if order is not None:
        return replace(one, number=Number(Fraction(order)))
    angle = part_of_degree(one.text) if other.unit.name == "°" and not one.unit else None
    if angle is not None:
        return replace(one, text=str(angle), unit=other.unit, number=Number(angle))
    match = re.fullmatch(rf"(.*\d) ?([mghsLlN]|in|{PER})(\^[23])?", one.text)
    if not other.unit or one.unit or match is None or other.unit.name in ("%", "°"):
        return one
    unit = named(match[2], int((match[3] or "^1")[1:]))
    number = read_number(match[1])
    return replace(one, text=match[1], key=normalise.key(match[1]), unit=unit, number=number)


def equal_in_units(left: Answer, right: Answer, scale: Fraction) -> bool:
    """Whether two numbers are equal, the left one in units that are `scale` of the right one's."""
    assert left.number and right.number
    number = left.number
    if scale != 1:
        number = replace(number, value=number.value * scale, places=None)
    if equal_numbers(number, right.number):
        return True
    percent = [side.unit.name == "%" for side in (left, right)]
    if percent[0] == percent[1] or (left.unit and right.unit):
        return False
    hundredth = [
        replace(side.number, value=side.number.value / 100, places=None)
        if side.unit.name == "%" and side.number
        else side.number
        for side in (left, right)
    ]
    return hundredth[0].value == hundredth[1].value  # type: ignore[union-attr]


def equal_formulas(left: Answer, right: Answer, scale: Fraction) -> Equality:
    """The verdict of the worker processes on two texts in the same unit."""
    ours, theirs = left.text, right.text
    for one, other in ((left, right), (right, left)):
        if one.unit.name == "°" and not other.unit and re.search(r"\\pi|arc[cst]", other.text):
            radians = rf"({one.text})\pi/180"
            return symbolic(*((radians, theirs) if one is left else (ours, radians)))
        if one.number and "," in one.text and re.search(r", |\\\{|[([]|and|or", other.text):
            listed = one.text.replace(",", ", ")  # 100,200,300 beside 100, 200, 300
            verdict = symbolic(*((listed, theirs) if one is left else (ours, listed)))
            if verdict.equal:
                return verdict
    if scale != 1:
        ours = rf"({ours})\cdot\frac{{{scale.numerator}}}{{{scale.denominator}}}"
    return symbolic(ours, theirs)


@functools.lru_cache(maxsize=65536)
def families(left: str, right: str) -> Equality | None:
    verdict, method, why = shared_pool().families(left, right)
    if method == "other":
        return None
    status = method if method in ("timeout", "crash") else "undecided"
    return Equality(verdict, method, why, "decided" if verdict is not None else status)


@functools.lru_cache(maxsize=65536)
def symbolic(left: str, right: str) -> Equality:
    verdict, method, why = shared_pool().decide(left, right)
    if verdict is not None:
        return Equality(verdict, method)
    return Equality(None, method, why, method if method in ("timeout", "crash") else "undecided")
