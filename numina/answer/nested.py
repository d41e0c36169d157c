r"""Sets of sets, and the empty set. Runs in the worker processes only."""

from __future__ import annotations

from numina.answer.members import Equal, equal_members
from numina.answer.shape import Shape, spelled


def equal_nested(left: Shape, right: Shape, equal: Equal) -> bool:
    r"""Sets of sets, whose braces count: ``\{\{1\}\}`` is not ``\{1\}``."""
    sides = [Shape("set") if is_empty(side) else side for side in (left, right)]
    if any(side.kind not in ("set", "list") for side in sides):
        return False
    return equal_members(
        sides[0].items, sides[1].items, lambda one, other: equal_inside(one, other, equal)
    )


def equal_inside(left: Shape, right: Shape, equal: Equal) -> bool:
    """Two members of a set of sets."""
    if any(side.kind == "set" or is_empty(side) for side in (left, right)):
        return left.kind != "list" and right.kind != "list" and equal_nested(left, right, equal)
    return equal(left, right)


def is_nested(shape: Shape) -> bool:
    """Whether a shape is a set of sets, or an empty set."""
    inner = any(item.kind == "set" or is_empty(item) for item in shape.items)
    return is_empty(shape) or (shape.kind == "set" and inner)


def is_empty(shape: Shape) -> bool:
    """Whether a shape is the empty set, in braces or as a sign."""
    return shape == Shape("set") or (shape.kind == "formula" and spelled(shape) == r"\emptyset")
