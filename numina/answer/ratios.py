r"""Ratios and times of day: ``3:4``, ``15:30``. Runs in the worker processes only."""

from __future__ import annotations

import re

from numina.answer.sets import read
from numina.answer.shape import Shape
from numina.answer.symbolic import equal_values
from numina.answer.verdicts import Undecided, decided

TIMES = ("time", "hours", "clock")


def equal_ratios(left: Shape, right: Shape) -> bool:
    if left.text in TIMES and right.text in TIMES:
        return equal_times(left, right)
    left, right = untimed(left), untimed(right)
    if len(left.items) != len(right.items):
        return False
    first, other = ([read(item) for item in side.items] for side in (left, right))
    return all(
        decided(equal_values(first[0] * other[i], other[0] * first[i])) for i in range(len(first))
    )


def equal_times(left: Shape, right: Shape) -> bool:
    """Times of day; ``3:30`` has the half of the day that the other states, as ``3:30 PM`` does."""
    if left.items == right.items:
        return True
    hours = [int(side.items[0].text) for side in (left, right)]
    kinds = {left.text, right.text}
    if "clock" not in kinds or len(kinds) == 1 or (hours[0] - hours[1]) % 12:
        return False
    if left.items[1:] == right.items[1:] and "hours" in kinds:
        raise Undecided("3:30 may be 15:30")
    return left.items[1:] == right.items[1:]


def untimed(shape: Shape) -> Shape:
    """A ratio that was read as a time of day, such as ``10:15``, as a ratio."""
    return Shape("ratio", items=shape.items[:2]) if shape.text in TIMES else shape


def equal_quotient(ratio: Shape, formula: Shape) -> bool:
    r"""``3:4`` and ``\frac{3}{4}``."""
    if ratio.text in TIMES or len(ratio.items) != 2:
        return False
    top, low = map(read, ratio.items)
    if not re.search(r"\\frac|/|\d\.\d", formula.text):
        return False
    return decided(equal_values(top, low * read(formula)))
