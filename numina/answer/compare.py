r"""Whether two answers are equal, part by part. Runs in the worker processes only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy

from numina.answer.latex import Unreadable
from numina.answer.measure import take_unit
from numina.answer.normalise import key, unstyled
from numina.answer.sets import as_set, names_set, read
from numina.answer.shape import Shape, flat, is_name, read_shape, spelled
from numina.answer.symbolic import same_formula, same_value

FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", "=": "=", r"\ne": r"\ne"}


class Undecided(Exception):
    """A part is neither equal nor different as far as we can tell; the message says why."""


def same_answer(prediction: str, gold: str) -> bool:
    """Whether two cleaned answers are equal.

    Raises:
        Undecided: it could not be decided, with the reason.
    """
    return same(read_shape(prediction), read_shape(gold))


def same(left: Shape, right: Shape) -> bool:
    if left == right:
        return True
    kinds = {left.kind, right.kind}
    if "chain" in kinds:
        return same_chain(left, right)
    if kinds == {"formula"}:
        return same_text_or_formula(left.text, right.text)
    if kinds in ({"list"}, {"set"}, {"list", "set"}):
        return same_members(named(left.items), named(right.items))
    if kinds == {"set", "formula"}:
        return same_members(flat_set(left), flat_set(right))
    if kinds == {"pair"}:
        brackets = len(left.items) > 2 or len(right.items) > 2 or left.text == right.text
        return brackets and in_order(left.items, right.items)
    if kinds == {"pair", "list"} and "()" in (left.text, right.text):
        return in_order(left.items, right.items)
    if kinds in ({"matrix"}, {"row"}):
        return in_order(left.items, right.items)
    if "matrix" in kinds and kinds & {"pair", "list"}:
        return in_order(entries(left), entries(right))
    if kinds == {"ratio"}:
        return same_ratio(left, right)
    if (kinds <= {"union", "pair", "set"} and kinds != {"pair", "set"}) or any(
        names_set(side) for side in (left, right)
    ):
        return same_sets(left, right)
    if kinds == {"matrix", "formula"} and r"\begin" in left.text + right.text:
        raise Undecided("a formula of matrices")
    if len(left.items) == 1 and left.kind in ("list", "matrix"):
        return same(left.items[0], right)
    return False


def same_text_or_formula(left: str, right: str) -> bool:
    if key(left) == key(right):
        return True
    try:
        verdict = same_formula(left, right)
    except Unreadable as reason:
        if words(left) != words(right):
            return False
        if words(left):
            return False
        raise Undecided(str(reason)) from None
    if verdict is None:
        raise Undecided("no digits tell them apart")
    return verdict


def words(text: str) -> bool:
    """Whether a text is prose: a word of four letters, or several of them."""
    text = take_unit(unstyled(text))[0]
    return (
        key(text) == key(text).casefold() and sum(map(str.isalpha, text)) > 3 and "\\" not in text
    )


def same_members(left: Sequence[Shape], right: Sequence[Shape]) -> bool:
    """Whether each member of one has its equal in the other; how often and where is all one."""
    covered = all(any(same(one, other) for other in right) for one in left) if right else False
    return covered and all(any(same(other, one) for other in left) for one in right)


def in_order(left: Sequence[Shape], right: Sequence[Shape]) -> bool:
    return len(left) == len(right) and all(map(same, left, right))


def entries(shape: Shape) -> tuple[Shape, ...]:
    r"""The entries of a vector; a matrix of several rows and columns keeps its rows."""
    if shape.kind != "matrix":
        return shape.items
    if len(shape.items) == 1:
        return shape.items[0].items
    return tuple(row.items[0] if len(row.items) == 1 else row for row in shape.items)


def flat_set(shape: Shape) -> tuple[Shape, ...]:
    return shape.items if shape.kind == "set" else (shape,)


def same_ratio(left: Shape, right: Shape) -> bool:
    if "time" in (left.text, right.text):
        if left.text == right.text:
            return in_order(left.items, right.items)
        return False
    if len(left.items) != len(right.items):
        return False
    first, other = ([read(item) for item in side.items] for side in (left, right))
    return all(
        decided(same_value(first[0] * other[i], other[0] * first[i])) for i in range(len(first))
    )


def named(items: Sequence[Shape]) -> tuple[Shape, ...]:
    """Members of a list; in ``n = 1, 2, 3`` the name is that of all, and goes."""
    equations = [item for item in items if item.kind == "chain"]
    if len(equations) == 1 and items[0].kind == "chain" and equations[0].text == "=":
        name, value = items[0].items[0], items[0].items[-1]
        if is_name(name):
            return (*flat(value), *items[1:])
    return tuple(items)


def same_chain(left: Shape, right: Shape) -> bool:
    """Equations and inequalities, with each other or with a bare value."""
    left, right = stated(left), stated(right)
    if left.kind != "chain" or right.kind != "chain":
        if left.kind == right.kind == "formula" or not {left.kind, right.kind} & {"chain"}:
            return same(left, right)
        chain, other = (left, right) if left.kind == "chain" else (right, left)
        value = value_of(chain)
        if value is not None:
            return same(value, other) if chain is left else same(other, value)
        if other.kind in ("pair", "union", "formula", "list", "set") and "=" not in chain.text:
            try:
                return as_set(chain) == as_set(other)
            except (Unreadable, NotImplementedError) as reason:
                if other.kind == "formula":
                    return False
                raise Undecided(str(reason)) from None
        return False
    left_value, right_value = value_of(left), value_of(right)
    if left_value is not None and right_value is not None:
        if same_names(left.items[0], right.items[0]) or depends(left_value):
            return same(left_value, right_value)
        return False
    if set(left.text.split()) | set(right.text.split()) == {"="}:
        return same_equation(left, right)
    return same_inequality(left, right)


def stated(shape: Shape) -> Shape:
    r"""A chain as what it comes to: ``x = 5+5+1 = 11`` as ``x = 11``; ``x \in S`` as S."""
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
    """What a chain says that a name is, if that is all it says."""
    if shape.text == "=":
        if is_name(shape.items[0]):
            return shape.items[1]
        if not depends(shape.items[0]) and shape.items[0].kind == "formula":
            return shape.items[1]  # 2 + 3 = 5
    return None


def same_names(left: Shape, right: Shape) -> bool:
    """Whether two names are one, whatever their arguments are called."""
    return spelled(left).split("(")[0] == spelled(right).split("(")[0]


def depends(shape: Shape) -> bool:
    """Whether a value has variables in it, so that it is a rule and its name is free."""
    try:
        return bool(read(shape).free_symbols)
    except Unreadable:
        return False


def decided(verdict: bool | None) -> bool:
    if verdict is None:
        raise Undecided("no digits tell them apart")
    return verdict


def same_equation(left: Shape, right: Shape) -> bool:
    """Two equations are one if their sides' differences are in a constant ratio."""
    if in_order(left.items, right.items):
        return True
    try:
        first, other = (read(side.items[0]) - read(side.items[1]) for side in (left, right))
    except Unreadable as reason:
        raise Undecided(str(reason)) from None
    return constant_ratio(first, other) is not None


def same_inequality(left: Shape, right: Shape) -> bool:
    if left.text == right.text and in_order(left.items, right.items):
        return True
    flipped = " ".join(FLIPPED.get(sign, sign) for sign in reversed(right.text.split()))
    if left.text == flipped and in_order(left.items, right.items[::-1]):
        return True
    signs = {left.text, right.text}
    try:
        if len(left.items) == len(right.items) == 2 and not signs & {"=", r"\in"}:
            first, other = (read(side.items[0]) - read(side.items[1]) for side in (left, right))
            ratio = constant_ratio(first, other)
            if ratio is None or not ratio.is_real:
                return False
            sign = right.text if ratio > 0 else FLIPPED[right.text]
            return left.text == sign
        return as_set(left) == as_set(right)
    except (Unreadable, NotImplementedError) as reason:
        if left.text in (right.text, flipped) and "=" not in left.text and named_only(left, right):
            return False
        raise Undecided(str(reason)) from None


def named_only(left: Shape, right: Shape) -> bool:
    """Whether two chains only put names in an order, as ``f(2) < f(1)``."""
    return all(is_name(item) for item in (*left.items, *right.items))


def constant_ratio(first: Any, other: Any) -> Any | None:
    """The constant other than 0 that the first is times the other, or None."""
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
    return ratio if same_value(first, ratio * other) else None


def same_sets(left: Shape, right: Shape) -> bool:
    """Unions of intervals, as sets of real numbers."""
    if left.kind == right.kind == "union" and len(left.items) == len(right.items):
        try:
            if same_members(left.items, right.items):
                return True
        except Undecided:
            pass
    try:
        return bool(as_set(left) == as_set(right))
    except (Unreadable, NotImplementedError, TypeError) as reason:
        raise Undecided(str(reason)) from None
