"""Equations and inequalities, with each other or with a bare value. Runs in the workers only."""

from __future__ import annotations

import re

from numina.answer.arithmetic import Unreadable
from numina.answer.equations import (
    FLIPPED,
    constant_ratio,
    depends,
    named_only,
    numerator,
    replaced,
    stated,
    value_of,
)
from numina.answer.members import Equal, in_order, turned
from numina.answer.sets import as_set, read
from numina.answer.shape import Shape, is_name, spelled
from numina.answer.verdicts import Undecided


def equal_chains(left: Shape, right: Shape, equal: Equal) -> bool:
    """Equations and inequalities, with each other or with a bare value."""
    left, right = stated(left), stated(right)
    if left.kind != "chain" or right.kind != "chain":
        if "chain" not in (left.kind, right.kind):
            return equal(left, right)
        if left.kind != "chain":
            return equal_chains(right, left, turned(equal))
        chain, other = left, right
        value = value_of(chain)
        if value is not None:
            return equal(value, other)
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
        return equal_definitions(left, right, left_value, right_value, equal)
    if set(left.text.split()) | set(right.text.split()) == {"="}:
        return equal_equations(left, right, equal)
    return equal_inequalities(left, right, equal)


def equal_definitions(left: Shape, right: Shape, ours: Shape, theirs: Shape, equal: Equal) -> bool:
    """Two equations that each define a name."""
    names = [spelled(side.items[0]) for side in (left, right)]
    if all(is_name(side.items[0]) for side in (left, right)):
        heads = [re.fullmatch(r"(.+?)\((\w)\)", name) for name in names]
        if heads[0] and heads[1] and heads[0][1] == heads[1][1] and heads[0][2] != heads[1][2]:
            renamed = replaced(theirs, heads[1][2], heads[0][2])
            return equal(ours, renamed) if renamed is not None else False
        if any(name.startswith("(") for name in names) and ours.kind == theirs.kind == "pair":
            return equal(ours, theirs)  # P = (1, 2) and (x, y) = (1, 2)
        functions = [name.split("(")[0] for name in names]
        if functions[0] == functions[1]:
            return equal(ours, theirs)
        curve = {"y", "f(x)"}
        if depends(ours) and set(names) == curve:
            return equal(ours, theirs)
        if not depends(ours) and not depends(theirs):
            return False
        return equal_equations(left, right, equal, of_names=True)
    return equal(ours, theirs)


def equal_equations(left: Shape, right: Shape, equal: Equal, *, of_names: bool = False) -> bool:
    """Two equations are equal if the differences of their sides have a constant ratio.

    Denominators are multiplied away: ``y = 1/x`` is ``xy = 1``. With `of_names`, both
    must have the same variables.
    """
    if len(left.items) == len(right.items) and (
        in_order(left.items, right.items, equal) or in_order(left.items, right.items[::-1], equal)
    ):
        return True
    try:
        first, other = (read(side.items[0]) - read(side.items[-1]) for side in (left, right))
    except Unreadable as reason:
        raise Undecided(str(reason)) from None
    if of_names and first.free_symbols != other.free_symbols:
        return False
    first, other = map(numerator, (first, other))
    return constant_ratio(first, other) is not None


def equal_inequalities(left: Shape, right: Shape, equal: Equal) -> bool:
    if left.text == right.text and in_order(left.items, right.items, equal):
        return True
    flipped = " ".join(FLIPPED.get(sign, sign) for sign in reversed(right.text.split()))
    if left.text == flipped and in_order(left.items, right.items[::-1], equal):
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
        if ("=" in left.text.split()) != ("=" in right.text.split()):
            return False
        raise Undecided(str(reason)) from None
