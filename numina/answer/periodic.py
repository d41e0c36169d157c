r"""Families of intervals, as ``[2k\pi, 2k\pi+\pi]`` for whole k: whether two are the same set.

Runs in the worker processes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from numina.answer.progressions import multiple, rational, whole
from numina.answer.symbolic import equal_values, number_of
from numina.answer.verdicts import Undecided, decided


@dataclass(frozen=True, slots=True)
class Periodic:
    """An interval, and the same moved by all multiples of a period.

    Attributes:
        low: an end of the interval.
        length: of the interval, more than 0.
        period: more than 0.
        open_low: whether the low end is left out.
        open_high: whether the high end is left out.
    """

    low: Any
    length: Any
    period: Any
    open_low: bool
    open_high: bool


def equal_periodic(left: Sequence[Periodic], right: Sequence[Periodic]) -> bool:
    """Whether two unions are the same set.

    Raises:
        Undecided: it could not be decided.
    """
    unit = left[0].period
    sizes = [rational(one.period / unit) for one in (*left, *right)]
    if any(size is None for size in sizes):
        raise Undecided("several periods without a common multiple")
    period = unit * multiple([size for size in sizes if size is not None])
    circles = [circle(side, left[0].low, period) for side in (left, right)]
    if None not in circles:
        return bool(circles[0] == circles[1])
    if all(any(same(one, other) for other in right) for one in left) and all(
        any(same(one, other) for other in left) for one in right
    ):
        return True
    if len(left) == len(right) == 1 and all(shorter(one) for one in (*left, *right)):
        return False
    raise Undecided("several families of intervals")


def shorter(one: Periodic) -> bool:
    """Whether an interval leaves a gap to the next."""
    return bool(number_of(one.period - one.length, 40) > sympy.Float("1e-20"))


def same(one: Periodic, other: Periodic) -> bool:
    return (
        (one.open_low, one.open_high) == (other.open_low, other.open_high)
        and decided(equal_values(one.period, other.period))
        and decided(equal_values(one.length, other.length))
        and whole((one.low - other.low) / one.period) is not None
    )


def circle(side: Sequence[Periodic], start: Any, period: Any) -> Any | None:
    """What a union leaves of one period from a start, in periods; None if not at fractions."""
    found = sympy.S.EmptySet
    turn = sympy.Interval.Ropen(0, 1)
    for one in side:
        times = rational(period / one.period)
        ends = [sympy.expand((end - start) / period) for end in (one.low, one.low + one.length)]
        if times is None or not all(end.is_Rational for end in ends):
            return None
        if ends[1] - ends[0] > 1:
            raise Undecided("intervals that overlap")
        for shift in range(int(times)):
            low, high = (end + sympy.Rational(shift, int(times)) for end in ends)
            turns = sympy.floor(low)
            piece = sympy.Interval(low - turns, high - turns, one.open_low, one.open_high)
            again = sympy.Interval(low - turns - 1, high - turns - 1, one.open_low, one.open_high)
            found = found + piece.intersect(turn) + again.intersect(turn)
    return found
