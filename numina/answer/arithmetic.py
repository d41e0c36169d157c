"""The values of a formula's functions and operators, as sympy expressions, within limits of size.

Runs in the worker processes only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import sympy

LONGEST_POWER = 1 << 24  # bits of an exact power


class Unreadable(ValueError):
    """A formula that is beyond the grammar; the message says where."""


class Malformed(Unreadable):
    """A text without a value: an operator without its operand, a comma in a sum, 1/0."""


def cis(angle: Any) -> Any:
    return sympy.cos(angle) + sympy.I * sympy.sin(angle)


def common_log(value: Any) -> Any:
    return sympy.log(value) / sympy.log(10)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(sympy, name) for name in ("sin", "cos", "tan", "cot", "sec", "csc", "exp")},
    **{f"{name}h": getattr(sympy, f"{name}h") for name in ("sin", "cos", "tan", "cot")},
    **{f"arc{name}": getattr(sympy, f"a{name}") for name in ("sin", "cos", "tan", "cot")},
    **{f"arc{name}": getattr(sympy, f"a{name}") for name in ("sec", "csc")},
    **{f"a{name}": getattr(sympy, f"a{name}") for name in ("sin", "cos", "tan")},
    **{"tg": sympy.tan, "ctg": sympy.cot, "arctg": sympy.atan, "cosec": sympy.csc},
    **{"ln": sympy.log, "log": sympy.log, r"\log": common_log, "lg": common_log, "cis": cis},
    **{"Re": sympy.re, "Im": sympy.im, "sgn": sympy.sign, "det": sympy.det, "abs": sympy.Abs},
}  # fmt: skip
SEVERAL: dict[str, Callable[..., Any]] = {
    **{"gcd": lambda *of: sympy.Integer(sympy.igcd(*of))},
    **{"lcm": lambda *of: sympy.Integer(sympy.ilcm(*of))},
    **{"max": sympy.Max, "min": sympy.Min, r"\C": sympy.binomial},
}


def determinant(value: Any) -> Any:
    if not is_matrix(value) or value.rows != value.cols:
        raise Unreadable("the determinant of a matrix that is not square")
    return value.det()


def is_matrix(value: Any) -> bool:
    return isinstance(value, sympy.MatrixBase)


def series(terms: list[Any], dots: int) -> Any:
    """A sum with dots between its first terms and its last, arithmetic or geometric."""
    first, last = terms[:dots], terms[dots:]
    known = all(term.is_Rational for term in terms)
    if len(first) < 2 or len(last) != 1 or not known:
        raise Unreadable("dots")
    step = first[1] - first[0]
    if all(b - a == step for a, b in itertools.pairwise(first)) and step:
        count = (last[0] - first[0]) / step + 1
        if count.is_Integer and count > len(first):
            return (first[0] + last[0]) * count / 2
    if len(first) > 2 and 0 not in first:
        factor = first[1] / first[0]
        if all(b / a == factor for a, b in itertools.pairwise(first)):
            total = first[0]
            for _ in range(10_000):
                if first[0] == last[0]:
                    return total
                first[0] *= factor
                total += first[0]
    raise Unreadable("dots")


def factorial(value: Any) -> Any:
    if value.is_Integer and value > 10_000:
        raise Unreadable(f"the factorial of {value}")
    return sympy.factorial(value)


def raised(value: Any, exponent: Any) -> Any:
    """A power; for a negative number with an odd root, the real one.

    Raises:
        Unreadable: it has more digits than fit.
    """
    if is_matrix(value):
        return value**exponent
    if value.is_Rational and exponent.is_Integer:
        longest = max(int(value.q), abs(int(value.p)))
        if longest > 1 and abs(int(exponent)) * longest.bit_length() > LONGEST_POWER:
            raise Unreadable(f"{value} to a power of {len(bin(int(exponent)))} bits")
    if exponent.is_Rational and exponent.q % 2 and exponent.q > 1 and negative(value):
        return (-1) ** exponent.p * (-value) ** exponent
    return value**exponent


def rooted(value: Any, degree: Any) -> Any:
    if degree.is_Integer and degree % 2 and negative(value):
        return -sympy.root(-value, degree)
    return sympy.root(value, degree)


def negative(value: Any) -> bool:
    return not value.free_symbols and value.is_real is True and bool(value.is_negative)


def quotient(top: Any, low: Any) -> Any:
    if is_matrix(low):
        raise Unreadable("division by a matrix")
    if low == 0:
        raise Malformed("division by zero")
    return top / low
