r"""Answers that are sets of real numbers: intervals, unions, inequalities, ``\R``.

Runs in the worker processes only.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import Any

import sympy

from numina.answer.arithmetic import Unreadable
from numina.answer.shape import Shape, is_name, read_shape, spelled, split_word
from numina.answer.symbolic import read_value

NUMBERS = {
    **{r"\Integers": sympy.S.Integers, r"\Positives": sympy.S.Naturals},
    **{r"\Nonnegatives": sympy.S.Naturals0, r"\Rationals": sympy.S.Rationals},
    **{r"\Complexes": sympy.S.Complexes, r"\Negatives": sympy.Range(-sympy.oo, 0)},
}
NATURALS = r"\Naturals"  # with or without 0
REALS = ("R", r"\R", r"\Reals", r"\reals", r"\mathbb{R}", r"\mathbbR")
MINUS = re.compile(r"\\(?:setminus|backslash|smallsetminus)(?![a-z])|(?<=[RZQC}])\s*-\s*(?=\\\{)")
CONDITIONS = ("union", "meet", "bounds")


def read(shape: Shape) -> Any:
    if shape.kind != "formula":
        raise Unreadable(f"a {shape.kind}")
    return read_value(shape.text)


def names_set(shape: Shape) -> bool:
    r"""Whether a shape can only be a set: ``\R``, a difference, or inequalities joined."""
    if shape.kind == "formula":
        return (
            spelled(shape) in (*REALS, *NUMBERS, NATURALS) or MINUS.search(shape.text) is not None
        )
    return shape.kind in ("meet", "bounds") or (shape.kind == "union" and is_condition(shape))


def is_condition(shape: Shape) -> bool:
    return any(item.kind in ("chain", "meet", "bounds") for item in shape.items)


def readings(shape: Shape) -> tuple[Shape, ...]:
    """The sets that a shape may mean: the natural numbers begin with 1 or with 0."""
    if shape.kind == "formula" and spelled(shape) == NATURALS:
        return (Shape("formula", r"\Positives"), Shape("formula", r"\Nonnegatives"))
    return (shape,)


def as_set(shape: Shape) -> Any:
    """An interval, a union, a set or a chain of inequalities as a set of real numbers.

    Raises:
        Unreadable: it is none of these.
    """
    if shape.kind == "union":
        one_variable(shape)
        return sympy.Union(*map(as_set, shape.items))
    if shape.kind in ("meet", "bounds"):
        one_variable(shape)
        both = reduce(lambda left, right: left.intersect(right), map(as_set, shape.items))
        if shape.kind == "bounds" and both is sympy.S.EmptySet:
            return sympy.Union(*map(as_set, shape.items))  # x < 2, x > 9
        return both
    if shape.kind == "formula" and len(parts := split_word(shape.text, MINUS)) == 2:
        return as_set(read_shape(parts[0])) - as_set(read_shape(parts[1]))
    if shape.kind in ("set", "list"):
        return sympy.FiniteSet(*map(read, shape.items))
    if shape.kind == "pair" and len(shape.items) == 2:
        low, high = map(read, shape.items)
        if not (low.is_extended_real and high.is_extended_real):
            raise Unreadable("an interval without real ends")
        return sympy.Interval(low, high, shape.text[0] == "(", shape.text[1] == ")")
    if shape.kind == "formula" and spelled(shape) in REALS:
        return sympy.S.Reals
    if shape.kind == "formula" and spelled(shape) in NUMBERS:
        return NUMBERS[spelled(shape)]
    if shape.kind == "formula" and spelled(shape) == r"\emptyset":
        return sympy.S.EmptySet
    if shape.kind == "chain" and shape.text == r"\in" and is_name(shape.items[0]):
        return as_set(shape.items[1])
    if shape.kind == "chain" and shape.text == r"\notin" and is_name(shape.items[0]):
        return sympy.S.Reals - as_set(shape.items[1])
    if shape.kind == "chain" and shape.text == "=" and is_name(shape.items[0]):
        return sympy.FiniteSet(read(shape.items[1]))
    if shape.kind != "chain":
        raise Unreadable(f"not a set: {shape}")
    return solutions(shape)


def one_variable(shape: Shape) -> None:
    """Raises `Unreadable` if joined conditions are on different variables."""
    names = variables(shape)
    if len(names) > 1:
        raise Unreadable(f"conditions on {', '.join(sorted(names))}")


def variables(shape: Shape) -> set[str]:
    if shape.kind in CONDITIONS:
        return set().union(*map(variables, shape.items))
    if shape.kind != "chain":
        return set()
    found = set()
    for item in shape.items:
        found |= {spelled(item)} if is_name(item) else {str(s) for s in read(item).free_symbols}
        if item.kind == "chain" or shape.text in (r"\in", r"\notin"):
            break
    return found


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
