r"""Answers that are sets of real numbers: intervals, unions, inequalities, ``\R``.

Runs in the worker processes only.
"""

from __future__ import annotations

from typing import Any

import sympy

from numina.answer.latex import Unreadable, read_formula
from numina.answer.shape import Shape, is_name, read_shape, spelled, split_word

REALS = ("R", r"\R", r"\Reals", r"\reals")


def read(shape: Shape) -> Any:
    if shape.kind != "formula":
        raise Unreadable(f"a {shape.kind}")
    return read_formula(shape.text)


def names_set(shape: Shape) -> bool:
    r"""Whether a shape can only be a set: ``\R``, a difference, or inequalities joined by "or"."""
    if shape.kind == "formula":
        return spelled(shape) in REALS or r"\setminus" in shape.text
    return shape.kind == "list" and all(
        item.kind == "chain" and "=" not in item.text for item in shape.items
    )


def as_set(shape: Shape) -> Any:
    """The set of real numbers that an interval, a union, a set or a chain of inequalities is.

    Raises:
        Unreadable: it is no such thing.
    """
    if shape.kind == "union":
        return sympy.Union(*map(as_set, shape.items))
    if shape.kind == "formula" and len(parts := split_word(shape.text, r"\\setminus")) == 2:
        return as_set(read_shape(parts[0])) - as_set(read_shape(parts[1]))
    if shape.kind == "list" and names_set(shape):
        return sympy.Union(*map(as_set, shape.items))
    if shape.kind in ("set", "list"):
        return sympy.FiniteSet(*map(read, shape.items))
    if shape.kind == "pair" and len(shape.items) == 2:
        low, high = map(read, shape.items)
        if not (low.is_extended_real and high.is_extended_real):
            raise Unreadable("an interval without real ends")
        return sympy.Interval(low, high, shape.text[0] == "(", shape.text[1] == ")")
    if shape.kind == "formula" and spelled(shape) in REALS:
        return sympy.S.Reals
    if shape.kind == "formula" and spelled(shape) == r"\emptyset":
        return sympy.S.EmptySet
    if shape.kind != "chain":
        raise Unreadable(f"no set: {shape}")
    return solutions(shape)


def solutions(chain: Shape) -> Any:
    """The real solutions of a chain of inequalities in one variable, or in one name."""
    signs = chain.text.split()
    if sum(map(is_name, chain.items)) > 1:
        raise Unreadable("more than one name")
    terms = [variable() if is_name(item) else read(item) for item in chain.items]
    symbols = {symbol for term in terms for symbol in term.free_symbols}
    if len(symbols) != 1:
        raise Unreadable(f"{len(symbols)} variables")
    real = sympy.Symbol("x", real=True)
    relations = {"<": sympy.Lt, ">": sympy.Gt, r"\le": sympy.Le, r"\ge": sympy.Ge, r"\ne": sympy.Ne}
    found = sympy.S.Reals
    for place, sign in enumerate(signs):
        if sign not in relations:
            raise Unreadable(f"{sign} in a chain of inequalities")
        ends = [term.subs(next(iter(symbols)), real) for term in terms]
        relation = relations[sign](ends[place], ends[place + 1])
        found = found.intersect(solution(relation, real))
    return found


def solution(relation: Any, real: Any) -> Any:
    if relation in (True, False):
        return sympy.S.Reals if relation else sympy.S.EmptySet
    return sympy.solve_univariate_inequality(relation, real, relational=False)


def variable() -> Any:
    return sympy.Symbol("x")
