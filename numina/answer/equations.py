r"""What equations and inequalities say: the name or the value that they state, their ratio.

Runs in the worker processes only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sympy

from numina.answer.arithmetic import Unreadable
from numina.answer.sets import read
from numina.answer.shape import Shape, flat, is_name
from numina.answer.symbolic import equal_values

FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", "=": "=", r"\ne": r"\ne"}


def stated(shape: Shape) -> Shape:
    r"""A chain reduced to its result: ``x = 5+5+1 = 11`` to ``x = 11``; ``x \in S`` to S."""
    if shape.kind != "chain":
        return shape
    signs = shape.text.split()
    if signs == [r"\in"] and is_name(shape.items[0]):
        return shape.items[1]
    if signs == ["="] and is_name(shape.items[1]) and not is_name(shape.items[0]):
        return Shape("chain", "=", shape.items[::-1])
    if len(signs) > 1 and set(signs) == {"="}:
        names = [item for item in shape.items if is_name(item)] or shape.items[:1]
        return Shape("chain", "=", (names[-1], shape.items[-1]))
    return shape


def value_of(shape: Shape) -> Shape | None:
    """The value that a chain gives to a name, if that is all it says."""
    if shape.text == "=":
        if is_name(shape.items[0]):
            return shape.items[1]
        both_formulas = all(item.kind == "formula" for item in shape.items)
        if both_formulas and not depends(shape.items[0]) and not depends(shape.items[1]):
            return shape.items[1]  # 2 + 3 = 5
    return None


def named(items: Sequence[Shape]) -> tuple[Shape, ...]:
    """Members of a list; in ``n = 1, 2, 3`` the name belongs to all members and is removed."""
    equations = [item for item in items if item.kind == "chain"]
    if len(equations) == 1 and items[0].kind == "chain" and equations[0].text == "=":
        name, value = items[0].items[0], items[0].items[-1]
        if is_name(name):
            return (*flat(value), *items[1:])
    return tuple(items)


def depends(shape: Shape) -> bool:
    """Whether a value has variables in it, so that it is a rule."""
    try:
        return bool(read(shape).free_symbols)
    except Unreadable:
        return False


def replaced(shape: Shape, name: str, other: str) -> Shape | None:
    """A formula with one variable renamed."""
    if shape.kind != "formula":
        return None
    return Shape("formula", re.sub(rf"(?<![A-Za-z\\]){name}(?![A-Za-z])", f" {other} ", shape.text))


def numerator(value: Any) -> Any:
    return sympy.fraction(sympy.together(value))[0]


def constant_ratio(first: Any, other: Any) -> Any | None:
    """The constant other than 0 that is the ratio of the first to the second, or None."""
    symbols = sorted(first.free_symbols | other.free_symbols, key=str)
    if not symbols or first.free_symbols != other.free_symbols:
        return None
    at = {symbol: sympy.Rational(211 + 97 * n, 101) for n, symbol in enumerate(symbols)}
    divisor = other.subs(at)
    if divisor == 0:
        return None
    ratio = sympy.nsimplify(first.subs(at) / divisor)
    if not ratio.is_finite or ratio == 0:
        return None
    return ratio if equal_values(first, ratio * other) else None


def named_only(left: Shape, right: Shape) -> bool:
    """Whether two chains only put names in an order, as ``f(2) < f(1)``."""
    return all(is_name(item) for item in (*left.items, *right.items))


def congruence_of(shape: Shape) -> Shape | None:
    r"""Numbers of a form such as ``x = 5k + 2`` as the congruence that they satisfy."""
    value = value_of(stated(shape)) if shape.kind == "chain" else shape
    try:
        found = read(value) if value is not None else sympy.Integer(0)
    except Unreadable:
        return None
    letters = found.free_symbols
    if len(letters) != 1:
        return None
    step = sympy.diff(found, *letters)
    first = found.subs(dict.fromkeys(letters, 0))
    if not (step.is_Integer and first.is_Integer):
        return None
    return Shape("congruence", str(abs(step)), (Shape("formula", str(first)),))
