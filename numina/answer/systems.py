"""Equations, one a name, with others or with bare values. Runs in the worker processes only."""

from __future__ import annotations

from collections.abc import Sequence

from numina.answer.members import Equal, equal_members, in_order, turned
from numina.answer.shape import Shape, spelled


def equal_systems(left: Shape, right: Shape, equal: Equal) -> bool:
    """Equations, one a name, with others, with a tuple, or with their bare values."""
    if left.kind == right.kind == "system":
        return matched(left.items, right.items, equal)
    if left.kind != "system":
        return equal_systems(right, left, turned(equal))
    system, other = left, right
    ordered = sorted(system.items, key=lambda item: spelled(item.items[0]))
    values = [item.items[1] for item in (ordered if other.kind == "pair" else system.items)]
    if other.kind == "chain" and other.text == "=" and len(other.items) == 2:
        return equal_systems_of_tuple(system, other, equal)
    if other.kind == "pair" and other.text == "()":
        return in_order(values, other.items, equal)
    if other.kind in ("list", "set"):
        points = all(part.kind == "pair" for part in (*values, *other.items))
        if any(part.kind in ("pair", "system", "chain") for part in other.items) and not points:
            return len(other.items) == 1 and equal(system, other.items[0])
        return equal_members(values, other.items, equal)
    if other.kind == "formula" and len({spelled(item.items[1]) for item in system.items}) == 1:
        return equal(values[0], other)
    return False


def equal_systems_of_tuple(system: Shape, other: Shape, equal: Equal) -> bool:
    """``x = 1, y = 2`` and ``(x, y) = (1, 2)``."""
    names, values = other.items
    if names.kind != "pair" or values.kind != "pair" or len(names.items) != len(values.items):
        return False
    parts = zip(names.items, values.items, strict=True)
    return matched(system.items, [Shape("chain", "=", pair) for pair in parts], equal)


def matched(left: Sequence[Shape], right: Sequence[Shape], equal: Equal) -> bool:
    """Whether the equations of two systems give each name the same value."""
    ours, theirs = ({spelled(i.items[0]): i.items[1] for i in side} for side in (left, right))
    return ours.keys() == theirs.keys() and all(
        equal(value, theirs[name]) for name, value in ours.items()
    )
