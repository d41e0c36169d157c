"""Unions of arithmetic progressions and points, and whether two are the same set, exactly.

All are brought to one common period; then each is a set of ranges of integers in some classes.
Runs in the worker processes only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy

from numina.answer.symbolic import equal_values, number_of
from numina.answer.verdicts import Undecided, decided

MOST = 3000  # classes or points of one side
Range = tuple[float, float]  # the least and the greatest integer, which may be infinite


@dataclass(frozen=True, slots=True)
class Progression:
    """The numbers ``first + step * k`` for whole k between two ends, if there are any.

    A point has the step 0.
    """

    first: Any
    step: Any = sympy.S.Zero
    low: int | None = None
    high: int | None = None

    @property
    def endless(self) -> bool:
        return self.step != 0 and (self.low is None or self.high is None)


@dataclass(slots=True)
class Class:
    """The ranges of each of two sides in a class of numbers that differ by whole periods."""

    first: Any
    ranges: tuple[list[Range], list[Range]] = field(default_factory=lambda: ([], []))


class Classes:
    """The classes met so far; those at a rational part of the period are found by it."""

    def __init__(self, period: Any) -> None:
        self.period = period
        self.rational: dict[Fraction, Class] = {}
        self.others: list[Class] = []

    def every(self) -> list[Class]:
        return [*self.rational.values(), *self.others]

    def of(self, first: Any) -> tuple[Class, int]:
        """The class of a number, and how many periods behind the class's first one it is."""
        at = sympy.expand(first / self.period)
        if at.is_Rational:
            turns, part = divmod(Fraction(int(at.p), int(at.q)), 1)
            if part in self.rational:
                return self.rational[part], int(turns)
            near = self.others
        else:
            turns, part, near = 0, None, self.every()
        for known in near:
            place = whole((first - known.first) / self.period)
            if place is not None:
                return known, place
        if part is None:
            self.others.append(Class(first))
            return self.others[-1], 0
        self.rational[part] = Class(first - int(turns) * self.period)
        return self.rational[part], int(turns)


def equal_unions(left: Sequence[Progression], right: Sequence[Progression]) -> bool:
    """Whether two unions have the same members.

    Raises:
        Undecided: their periods or a difference of two members could not be compared.
    """
    sides = [[part for one in side for part in spread(one)] for side in (left, right)]
    steps = [[one.step for one in side if one.endless] for side in sides]
    if not any(steps):
        period = sympy.Integer(1)
    elif not all(steps):
        return False
    else:
        unit = steps[0][0]
        sizes = [[rational(step / unit) for step in side] for side in steps]
        if any(None in side for side in sizes):
            if all(None in side for side in sizes):
                raise Undecided("several periods without a common multiple")
            return False  # progressions that no finite number of the others cover
        every = [size for side in sizes for size in side if size is not None]
        period = unit * multiple(every)
    classes = Classes(period)
    for side, parts in enumerate(sides):
        for first, low, high in split_up(parts, period):
            known, place = classes.of(first)
            known.ranges[side].append((low + place, high + place))
    return all(merged(one.ranges[0]) == merged(one.ranges[1]) for one in classes.every())


def spread(one: Progression) -> Iterable[Progression]:
    """A progression with two ends as its points."""
    if one.step == 0:
        yield Progression(one.first)
    elif one.low is None or one.high is None:
        yield one
    else:
        if one.high - one.low > MOST:
            raise Undecided("too many members")
        for k in range(one.low, one.high + 1):
            yield Progression(one.first + k * one.step)


def rational(value: Any) -> Fraction | None:
    """A ratio of periods; None if it is irrational."""
    value = sympy.simplify(value)
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    if value.is_rational is False or value.is_real is False:
        return None
    raise Undecided(f"the ratio {value} of two periods")


def multiple(sizes: Sequence[Fraction]) -> Any:
    """The least common multiple of rational sizes."""
    top = math.lcm(*(abs(size.numerator) for size in sizes))
    return sympy.Rational(top, math.gcd(*(size.denominator for size in sizes)))


def split_up(parts: Sequence[Progression], period: Any) -> Iterable[tuple[Any, float, float]]:
    """Each part as progressions of the common period: first member, least and greatest number."""
    count = 0
    for one in parts:
        if one.step == 0:
            yield one.first, 0, 0
            continue
        times = rational(period / one.step)
        assert times is not None
        low = -math.inf if one.low is None else one.low
        high = math.inf if one.high is None else one.high
        step = one.step
        if times < 0:
            times, low, high, step = -times, -high, -low, -step
        count += int(times)
        if count > MOST:
            raise Undecided("too many classes")
        for shift in range(int(times)):
            ends = (low - shift) / int(times), (high - shift) / int(times)
            least = ends[0] if math.isinf(low) else math.ceil(Fraction(low - shift) / int(times))
            most = ends[1] if math.isinf(high) else math.floor(Fraction(high - shift) / int(times))
            yield one.first + shift * step, least, most


def whole(value: Any) -> int | None:
    """The integer that a value is, or None if it is not one.

    Raises:
        Undecided: its digits do not tell.
    """
    value = sympy.expand(value)
    if value.is_Rational:
        return int(value) if value.is_Integer else None
    if value.free_symbols:
        value = sympy.simplify(value)
        return int(value) if value.is_Integer else None
    digits = number_of(value, 60)
    if not digits.is_number or not digits.is_finite:
        raise Undecided(f"the digits of {value}")
    real, imaginary = digits.as_real_imag()
    if abs(imaginary) > sympy.Float("1e-40"):
        return None
    nearest = sympy.Integer(round(real))
    if abs(real - nearest) > sympy.Float("1e-40"):
        return None
    same = decided(equal_values(value - nearest + 1, sympy.Integer(1)))  # no zero: it has digits
    return int(nearest) if same else None


def merged(ranges: Sequence[Range]) -> list[Range]:
    """Ranges of integers, those that touch or overlap joined."""
    found: list[Range] = []
    for low, high in sorted(one for one in ranges if one[0] <= one[1]):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found
