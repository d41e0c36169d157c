"""Whether two formulas have the same value: decided with many digits, never by a tolerance.

"Different" is certain. "Equal" means agreement at 60 and at 400 digits or, if there are variables,
at random points (Schwartz 1980; Zippel 1979), so that a wrong "equal" is possible in theory only.
Runs in the worker processes only.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from numina.answer.arithmetic import Unreadable, is_matrix
from numina.answer.latex import read_formula
from numina.answer.number import Number, equal_numbers, read_number

POINTS = 8
DECIMAL = re.compile(r"(?<![\d.])\d+\.\d{2,}(?!\d)")


def equal_formulas(prediction: str, gold: str) -> bool | None:
    """Whether two texts state the same value; None if that could not be decided.

    Raises:
        Unreadable: one of them is not a formula.
    """
    left_number, right_number = read_number(prediction), read_number(gold)
    if left_number and right_number:
        return equal_numbers(left_number, right_number)
    prediction, gold = one_logarithm(prediction, gold)
    left, right = read_formula(prediction), read_formula(gold)
    if is_matrix(left) or is_matrix(right):
        return equal_matrices(left, right)
    if not (left.free_symbols or right.free_symbols) and any(
        number and (number.rounded or number.digits) for number in (left_number, right_number)
    ):
        return equal_numbers(left_number or near_value(left), right_number or near_value(right))
    verdict = equal_values(left, right)
    if verdict is False and DECIMAL.search(gold):
        return not coarser(prediction, gold) and rounds_to(left, gold)
    return verdict


def one_logarithm(left: str, right: str) -> tuple[str, str]:
    r"""Two texts, ``log`` without a backslash read as ``\log`` if the other has only that one."""
    named = [r"\log" in text for text in (left, right)]
    natural = any(re.search(r"\\?ln(?![a-z])", text) for text in (left, right))
    if any(named) and not natural:
        left, right = (
            re.sub(r"(?<![\\a-z])log(?![a-z])", r"\\log ", text) for text in (left, right)
        )
    return left, right


def equal_matrices(left: Any, right: Any) -> bool | None:
    if not is_matrix(left) or not is_matrix(right) or left.shape != right.shape:
        return False
    verdicts = [equal_values(*pair) for pair in zip(left, right, strict=True)]
    return False if False in verdicts else None if None in verdicts else True


def near_value(value: Any) -> Number:
    """A constant as a number; one that is not real or not finite equals no other."""
    if value.is_Rational:
        return Number(Fraction(int(value.p), int(value.q)))
    digits = number_of(value, 60)
    if not digits.is_Float:
        return Number(Fraction(10**100, 3), irrational=True)
    return Number(Fraction(str(digits)), irrational=True)


def number_of(value: Any, digits: int) -> Any:
    """A value with many digits; unknown functions become numbers that depend on their arguments."""
    unknown: Any = value.atoms(AppliedUndef) if hasattr(value, "atoms") else ()
    for function in sorted(unknown, key=lambda function: -function.count_ops()):
        given: Any = function.args
        arguments = [number_of(argument, 20) for argument in given]
        drawn = zlib.crc32(f"{function.func}{arguments}".encode())
        value = value.subs(function, sympy.Rational(drawn % 9973 + 101, 9001))
    if hasattr(value, "has") and value.has(sympy.Sum, sympy.Product):
        value = value.doit()
    return sympy.N(value, digits)


def rounds_to(prediction: Any, gold: str) -> bool:
    """Whether a formula equals one with decimals, each at the precision that it is written with."""
    found = list(DECIMAL.finditer(gold))[:6]
    pieces = []
    for turn in range(len(found) + 1):
        text = gold
        if turn:
            match = found[turn - 1]
            text = f"{gold[: match.end()]}5{gold[match.end() :]}"
        pieces.append(read_formula(text))
    symbols = sorted(
        set().union(prediction.free_symbols, *(p.free_symbols for p in pieces)), key=str
    )
    for point in points(symbols, POINTS if symbols else 1):
        exact, *moved = [number_of(piece.subs(point), 40) for piece in pieces]
        value = number_of(prediction.subs(point), 40)
        if not all(v.is_number and v.is_real for v in (value, exact, *moved)):
            continue
        allowed = sum(abs(one - exact) for one in moved)
        if abs(value - exact) > allowed * sympy.Float("1.0000001"):
            return False
    return True


def coarser(prediction: str, gold: str) -> bool:
    """Whether a prediction has a decimal with fewer places than those of the gold."""
    places = [[len(found) for found in re.findall(r"\.(\d+)", text)] for text in (prediction, gold)]
    return bool(places[0]) and min(places[0]) < min(places[1])


def points(symbols: list[Any], count: int) -> Iterator[dict[Any, Any]]:
    """Points to try: positive ones first, small and large."""
    draw = random.Random(0)
    for turn in range(2 * count):
        yield {
            symbol: sympy.Integer(turn % count + 1 + draw.randint(0, 2))
            if symbol.is_integer
            else sympy.Rational(draw.randint(101, 999), draw.choice([211, 307, 401, 1303, 2003]))
            * (1 if turn < count else draw.choice([-1, 1]))
            for symbol in symbols
        }


def equal_values(left: Any, right: Any) -> bool | None:
    """Whether two sympy expressions are equal; None if that could not be decided."""
    if is_matrix(left) or is_matrix(right):
        return equal_matrices(left, right)
    if left == right:
        return True
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    if not symbols:
        return equal_constants(left, right)
    limits = {s for side in (left, right) for s in summed(side)}
    if limits:
        whole = {symbol: sympy.Symbol(f"{symbol}", integer=True) for symbol in limits}
        left, right = left.xreplace(whole), right.xreplace(whole)
        symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    found: list[tuple[bool, bool]] = []  # whether the values are real, and close
    for turn, point in enumerate(points(symbols, POINTS)):
        values = [number_of(side.subs(point), 40) for side in (left, right)]
        if not all(value.is_number and value.is_finite for value in values):
            continue
        real = all(value.is_real for value in values)
        if turn >= POINTS and not real:
            continue  # roots of negative numbers: conventions differ
        found.append((real, close(*values, digits=30, least=30)))
    real_ones = [agreed for real, agreed in found if real]
    counted = real_ones if len(real_ones) >= POINTS // 2 else [agreed for _, agreed in found]
    if not all(counted):
        return False
    return True if len(counted) >= POINTS // 2 else None


def summed(value: Any) -> set[Any]:
    """The variables that the limits of sums depend on."""
    found = set()
    for series in value.atoms(sympy.Sum, sympy.Product):
        for _, *limits in series.limits:
            found |= set().union(*(limit.free_symbols for limit in limits))
    return found


def equal_constants(left: Any, right: Any) -> bool | None:
    if left.is_infinite or right.is_infinite:
        return bool(left == right)
    if left.is_Rational and right.is_Rational:
        return False
    values = [number_of(side, 60) for side in (left, right)]
    if not all(value.is_number and value.is_finite for value in values):
        return None
    if 0 in (left, right):
        if max(abs(value) for value in values) > sympy.Float("1e-50"):
            return False
        zero = sympy.simplify(left - right).is_zero
        return None if zero is None else bool(zero)
    if not close(*values, digits=50):
        return False
    return close(number_of(left, 420), number_of(right, 420), digits=400)


def close(left: Any, right: Any, digits: int, least: int = 10**6) -> bool:
    """Whether two values agree in so many digits; values below 10**-least count as zero."""
    size = max(abs(left), abs(right))
    if size < sympy.Float(10) ** -least:
        return True
    return bool(abs(left - right) <= size * sympy.Float(10) ** -digits)


def read_value(text: str) -> Any:
    """A formula that is not a matrix.

    Raises:
        Unreadable: the text is not such a formula.
    """
    value = read_formula(text)
    if is_matrix(value):
        raise Unreadable("a matrix")
    return value
