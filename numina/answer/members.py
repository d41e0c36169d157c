"""Members of lists, sets and tuples, with each other. Runs in the worker processes only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numina.answer.normalise import key
from numina.answer.number import read_number
from numina.answer.shape import Shape

Equal = Callable[[Shape, Shape], bool]  # whether two parts are equal


def equal_members(left: Sequence[Shape], right: Sequence[Shape], equal: Equal) -> bool:
    """Whether each member of one has its equal in the other; order and repetition do not matter."""
    ours, theirs = ({plain(shape): shape for shape in side} for side in (left, right))
    if not ours or not theirs:
        return not ours and not theirs
    if ours.keys() == theirs.keys():
        return True
    return covers(ours, theirs, equal) and covers(theirs, ours, turned(equal))


def plain(shape: Shape) -> Any:
    """What equal numbers and equal texts share, without sympy."""
    if shape.kind != "formula":
        return shape
    number = read_number(shape.text)
    return key(shape.text) if number is None or number.irrational else number.value


def covers(some: dict[Any, Shape], others: dict[Any, Shape], equal: Equal) -> bool:
    """Whether each of some members has its equal among the others."""
    for value, shape in some.items():
        if value in others:
            continue
        if not any(equal(shape, other) for other in others.values()):
            return False
    return True


def in_order(left: Sequence[Shape], right: Sequence[Shape], equal: Equal) -> bool:
    return len(left) == len(right) and all(map(equal, left, right))


def equal_pair_and_list(pair: Shape, other: Shape, equal: Equal) -> bool:
    """``(1, 2)`` or a printed ``[1, 2]`` and bare values; the order of ``[1, 2]`` is free."""
    if pair.text == "()":
        return in_order(pair.items, other.items, equal)
    return pair.text == "[]" and equal_members(pair.items, other.items, equal)


def turned(equal: Equal) -> Equal:
    """The same comparison with its sides swapped, as a prediction and a gold are not alike."""
    return lambda one, other: equal(other, one)
