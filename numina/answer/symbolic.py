"""Whether two formulas have the same value: decided with many digits, never by a tolerance.

Different values are told apart for certain. The same value is agreement at 60 and at 400 digits,
or at random points where there are variables (Schwartz 1980; Zippel 1979), so that a wrong "equal"
needs a chance that does not occur. Runs in the worker processes only.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import sympy

from numina.answer.latex import read_formula
from numina.answer.number import Number, agree, read_number

POINTS = 8


def same_formula(prediction: str, gold: str) -> bool | None:
    """Whether two texts state the same value; None where that could not be decided.

    Raises:
        Unreadable: one of them is no formula.
    """
    left, right = read_formula(prediction), read_formula(gold)
    if left.free_symbols or right.free_symbols:
        return same_value(left, right)
    left_number, right_number = read_number(prediction), read_number(gold)
    if any(number and number.rounded for number in (left_number, right_number)):
        return agree(left_number or near_value(left), right_number or near_value(right))
    return same_value(left, right)


def near_value(value: Any) -> Number:
    """A constant as a number; one that is not real or not finite is near nothing."""
    if value.is_Rational:
        return Number(Fraction(int(value.p), int(value.q)))
    digits = sympy.N(value, 60)
    if not digits.is_Float:
        return Number(Fraction(10**100, 3), irrational=True)
    return Number(Fraction(str(digits)), irrational=True)


def same_value(left: Any, right: Any) -> bool | None:
    """Whether two sympy expressions are equal; None where that could not be decided."""
    if left == right:
        return True
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    if not symbols:
        return same_constant(left, right)
    draw = random.Random(0)
    agreed = 0
    for turn in range(2 * POINTS):
        positive = turn < POINTS
        point = {
            symbol: sympy.Rational(draw.randint(101, 999), draw.choice([211, 307, 401]))
            * (1 if positive else draw.choice([-1, 1]))
            for symbol in symbols
        }
        values = [sympy.N(side.subs(point), 40) for side in (left, right)]
        if not all(value.is_number and value.is_finite for value in values):
            continue
        if not positive and not all(value.is_real for value in values):
            continue  # roots of negative numbers: there conventions differ
        if not close(*values, digits=30, least=30):
            return False
        agreed += 1
    return True if agreed >= POINTS // 2 else None


def same_constant(left: Any, right: Any) -> bool | None:
    if left.is_infinite or right.is_infinite:
        return bool(left == right)
    if left.is_Rational and right.is_Rational:
        return False
    values = [sympy.N(side, 60) for side in (left, right)]
    if not all(value.is_number and value.is_finite for value in values):
        return None
    if 0 in (left, right):
        if max(abs(value) for value in values) > sympy.Float("1e-50"):
            return False
        zero = sympy.simplify(left - right).is_zero
        return None if zero is None else bool(zero)
    if not close(*values, digits=50):
        return False
    return close(sympy.N(left, 420), sympy.N(right, 420), digits=400)


def close(left: Any, right: Any, digits: int, least: int = 10**6) -> bool:
    """Whether two values agree in so many digits; below 10**-least, both are a zero."""
    size = max(abs(left), abs(right))
    if size < sympy.Float(10) ** -least:
        return True
    return bool(abs(left - right) <= size * sympy.Float(10) ** -digits)
