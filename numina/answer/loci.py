r"""Values and points with parameters, as ``(3t, 1-2t)``: whether two have the same members.

Runs in the worker processes only.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from numina.answer.declared import Domain
from numina.answer.progressions import whole
from numina.answer.symbolic import equal_values, number_of
from numina.answer.verdicts import Undecided, decided

TRIED = range(-3, 4)
MEMBERS = 6


@dataclass(frozen=True, slots=True)
class Locus:
    """All points with these coordinates, one for each value of the parameters."""

    values: tuple[Any, ...]
    domains: tuple[tuple[Any, Domain], ...]  # of each parameter that occurs

    @property
    def names(self) -> tuple[Any, ...]:
        return tuple(name for name, _ in self.domains)

    @property
    def real(self) -> bool:
        return all(domain.real for _, domain in self.domains)

    @property
    def flat(self) -> bool:
        """Whether it is a line, a plane, ... of real parameters."""
        return self.real and all(affine(value, self.names) for value in self.values)


def affine(value: Any, names: Sequence[Any]) -> bool:
    slopes = [sympy.expand(sympy.diff(value, name)) for name in names]
    return not any(slope.free_symbols & set(names) for slope in slopes)


def equal_loci(left: Sequence[Locus], right: Sequence[Locus]) -> bool:
    """Whether two unions of loci are the same set.

    Raises:
        Undecided: it could not be decided.
    """
    if {len(one.values) for one in left} != {len(one.values) for one in right}:
        return False
    if len(left) == len(right) == 1:
        return same(left[0], right[0])
    table = [[same(one, other) for other in right] for one in left]
    if all(map(any, table)) and all(map(any, zip(*table, strict=True))):
        return True
    if all(one.flat for one in (*left, *right)):
        return False  # a line is not covered by other lines
    raise Undecided("several families of points")


def same(left: Locus, right: Locus) -> bool:
    if not left.names or not right.names:
        if left.names or right.names:
            return False
        return all(decided(equal_values(*p)) for p in zip(left.values, right.values, strict=True))
    if left.flat and right.flat:
        return same_flat(left, right)
    if len(left.names) == len(right.names) == 1 and left.real == right.real:
        return same_curve(left, right)
    if left.real != right.real and len(left.names) == len(right.names) == 1:
        raise Undecided("real and whole parameters")
    for names in itertools.permutations(right.names):
        new = dict(zip(names, left.names, strict=False))
        if len(new) == len(left.names) and renamed(right, new) == dict(left.domains):
            values = [value.subs(new, simultaneous=True) for value in right.values]
            if all(equal_values(*pair) is True for pair in zip(left.values, values, strict=True)):
                return True
    raise Undecided("families with several parameters")


def renamed(locus: Locus, new: dict[Any, Any]) -> dict[Any, Domain]:
    return {new[name]: domain for name, domain in locus.domains}


def same_flat(left: Locus, right: Locus) -> bool:
    """Whether two lines, planes, ... are the same: their directions span the same, and a point."""
    (base, ours), (other, theirs) = map(spanned, (left, right))
    rank = ours.rank(simplify=True)
    both = ours.row_join(theirs)
    return bool(
        rank
        == theirs.rank(simplify=True)
        == both.rank(simplify=True)
        == both.row_join(base - other).rank(simplify=True)
    )


def spanned(locus: Locus) -> tuple[Any, Any]:
    """A point, and the directions as columns."""
    values = sympy.Matrix([sympy.expand(value) for value in locus.values])
    return values.subs(dict.fromkeys(locus.names, 0)), values.jacobian(list(locus.names))


def same_curve(left: Locus, right: Locus) -> bool:
    """Whether two sets with one parameter are the same.

    If a coordinate of both is linear, it tells which parameters belong to the same point.
    """
    (ours, domain), (theirs, other) = left.domains[0], right.domains[0]
    for first, second in zip(left.values, right.values, strict=True):
        if not (affine(first, [ours]) and affine(second, [theirs])):
            continue
        slopes = [sympy.diff(first, ours), sympy.diff(second, theirs)]
        if 0 in slopes:
            if slopes[0] != slopes[1]:
                return False
            continue
        ratio = sympy.simplify(slopes[0] / slopes[1])
        shift = sympy.simplify((first - second).subs({ours: 0, theirs: 0}) / slopes[1])
        if domain.real and not (ratio.is_real and shift.is_real):
            raise Undecided("a complex parameter")
        if not domain.real and not maps(ratio, shift, domain, other):
            return False
        return agree(left, right, ratio * ours + shift)
    for sign, shift in itertools.product((1, -1), TRIED):
        fits = domain.real or maps(sympy.Integer(sign), sympy.Integer(shift), domain, other)
        if fits and agree(left, right, sign * ours + shift):
            return True
    if lacks(left, right) or lacks(right, left):
        return False
    raise Undecided("two families that are not linear")


def agree(left: Locus, right: Locus, parameter: Any) -> bool:
    """Whether all coordinates are equal, the right one's parameter being that of the left one."""
    values = [value.subs(right.names[0], parameter) for value in right.values]
    return all(equal_values(*pair) is True for pair in zip(left.values, values, strict=True))


def maps(ratio: Any, shift: Any, domain: Domain, other: Domain) -> bool:
    """Whether ``ratio * k + shift`` maps one domain of integers onto the other."""
    place = whole(shift)
    if abs(ratio) != 1 or place is None or domain.listed or other.listed:
        return domain.listed == other.listed != () and ratio == 1 and place == 0
    ends = [None if end is None else int(ratio) * end + place for end in (domain.low, domain.high)]
    return (other.low, other.high) == tuple(ends if ratio == 1 else reversed(ends))


def lacks(some: Locus, others: Locus) -> bool:
    """Whether a member of one is plainly not in the other, whose coordinates are polynomials."""
    (name, domain), (theirs, other) = some.domains[0], others.domains[0]
    low = domain.low if domain.low is not None else 0
    for k in range(low, low + MEMBERS):
        if domain.listed or (domain.high is not None and k > domain.high):
            return False
        member = [value.subs(name, k) for value in some.values]
        if not all(value.is_Rational for value in member):
            return False
        found: list[Any] | None = None  # the parameters of the member among the others
        for value, coordinate in zip(member, others.values, strict=True):
            roots = solutions(coordinate - value, theirs)
            if roots is None:
                continue
            roots = [root for root in roots if may_be(root, other)]
            found = roots if found is None else [r for r in found if any(near(r, o) for o in roots)]
            if not found:
                return True
    return False


def may_be(value: Any, domain: Domain) -> bool:
    """Whether a real number may be in a domain."""
    if domain.real:
        return True
    inside = (domain.low is None or value >= domain.low) and (
        domain.high is None or value <= domain.high
    )
    return bool(value.is_Integer and inside)


def near(one: Any, other: Any) -> bool:
    return bool(abs(number_of(one - other, 40)) < sympy.Float("1e-30"))


def solutions(value: Any, name: Any) -> set[Any] | None:
    """The real zeros of a rational function; None if it is not one."""
    value = sympy.together(value)
    if value.free_symbols != {name} or not value.is_rational_function(name):
        return None
    try:
        poly = sympy.Poly(sympy.fraction(value)[0], name, domain="QQ")
    except sympy.PolynomialError:
        return None
    return set() if poly.is_ground else set(sympy.real_roots(poly))
