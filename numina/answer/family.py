r"""A family that was read from an answer, and its parts as progressions, points and intervals.

Runs in the worker processes only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from numina.answer.declared import Domain
from numina.answer.loci import Locus, affine
from numina.answer.periodic import Periodic
from numina.answer.progressions import Progression, rational
from numina.answer.symbolic import number_of
from numina.answer.verdicts import Undecided

PARAMETERS = {*"klmnjtsuv", "lambda", "mu"}
MOST = 500  # values of a parameter


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of a family.

    Attributes:
        kind: ``value``; ``except``, for what is left out; ``point``; ``interval``; ``part`` of
            whole numbers, which `progressions` has; ``continuum``, for intervals, which `sets` has.
        values: one, the coordinates, or the two ends.
        open: which of the two ends are left out.
    """

    kind: str
    values: tuple[Any, ...] = ()
    open: tuple[bool, bool] = (False, False)
    progressions: tuple[Progression, ...] = ()

    @property
    def symbols(self) -> set[Any]:
        return set().union(*(value.free_symbols for value in self.values))


@dataclass(frozen=True, slots=True)
class Family:
    """An answer that was read: its parts, the domains that it declares, and its name."""

    branches: tuple[Branch, ...]
    domains: dict[str, Domain]
    names: tuple[str, ...] = ()
    condition: bool = False  # whether it is a set by a condition

    @property
    def kinds(self) -> set[str]:
        return {"value" if one.kind == "part" else one.kind for one in self.branches}

    @property
    def letters(self) -> set[str]:
        """The parameters that occur, declared or not."""
        found = {str(symbol) for one in self.branches for symbol in one.symbols}
        return {letter for letter in found if letter in self.domains or letter in PARAMETERS}

    @property
    def unknown(self) -> set[str]:
        """The letters that are not parameters."""
        return {str(symbol) for one in self.branches for symbol in one.symbols} - self.letters

    @property
    def declares(self) -> bool:
        return self.condition or bool(self.letters & self.domains.keys())


class NotLinear(Exception):
    """A family that is not a union of arithmetic progressions."""


def locus(branch: Branch, family: Family) -> Locus:
    if branch.kind == "part":
        raise Undecided("a congruence and a family that is not linear")
    symbols = sorted(branch.symbols, key=str)
    known = tuple((s, family.domains[str(s)]) for s in symbols if str(s) in family.domains)
    return Locus(branch.values, known)


def progressions(branch: Branch, family: Family) -> Iterator[Progression]:
    """The progressions of a part with one value."""
    if branch.kind == "part":
        yield from branch.progressions
        return
    yield from linear(branch.values[0], family.domains)


def linear(value: Any, domains: dict[str, Domain]) -> Iterator[Progression]:
    names = sorted((s for s in value.free_symbols if str(s) in domains), key=str)
    if not names:
        yield Progression(value)
        return
    for name in names:
        domain = domains[str(name)]
        if members := finite(domain):
            for k in members:
                yield from linear(value.subs(name, k), domains)
            return
    signs = {p for p in value.atoms(sympy.Pow) if p.base == -1 and p.exp.free_symbols & set(names)}
    if signs:
        yield from halves(value, names, domains)
        return
    if not affine(value, names):
        raise NotLinear
    first = sympy.expand(value.subs(dict.fromkeys(names, 0)))
    steps = [sympy.expand(sympy.diff(value, name)) for name in names]
    known = [domains[str(name)] for name in names]
    if len(names) == 1:
        for low, high in parts(known[0]):
            yield Progression(first, steps[0], low, high)
        return
    sizes = [rational(step / steps[0]) for step in steps]
    if None in sizes or any(domain != Domain() for domain in known):
        raise NotLinear
    fractions = [size for size in sizes if size is not None]
    low = sympy.ilcm(*(size.denominator for size in fractions))
    top = sympy.igcd(*(int(size * int(low)) for size in fractions))
    yield Progression(first, steps[0] * sympy.Rational(top, low))


def parts(domain: Domain) -> Iterator[tuple[int | None, int | None]]:
    """The ranges of a domain between the numbers that it leaves out."""
    low = domain.low
    for gap in sorted(set(domain.without)):
        if (low is None or gap >= low) and (domain.high is None or gap <= domain.high):
            if low is None or low < gap:
                yield low, gap - 1
            low = gap + 1
    if low is None or domain.high is None or low <= domain.high:
        yield low, domain.high


def finite(domain: Domain) -> Sequence[int]:
    if domain.listed:
        return domain.listed
    if domain.low is None or domain.high is None or domain.high - domain.low > MOST:
        return ()
    return [k for k in range(domain.low, domain.high + 1) if k not in domain.without]


def halves(value: Any, names: Sequence[Any], domains: dict[str, Domain]) -> Iterator[Progression]:
    """A value with a power of -1, for its even and its odd parameters."""
    if len(names) > 1 or domains[str(names[0])] != Domain():
        raise NotLinear
    (name,) = names
    j = sympy.Symbol("j", integer=True)
    for odd in (0, 1):
        part = sympy.powsimp(sympy.expand(value.subs(name, 2 * j + odd)))
        if part.atoms(sympy.Pow) & {p for p in part.atoms(sympy.Pow) if p.base == -1}:
            raise NotLinear
        yield from linear(part.subs(j, name), domains)


def periodic(branch: Branch, family: Family) -> Periodic:
    low, high = branch.values
    names = [s for s in branch.symbols if str(s) in family.domains]
    if len(names) != 1 or family.domains[str(names[0])] != Domain():
        raise Undecided("intervals whose parameter is not any integer")
    steps = [sympy.expand(sympy.diff(end, names[0])) for end in (low, high)]
    if steps[0] != steps[1] or steps[0] == 0 or steps[0].free_symbols:
        raise Undecided("intervals of different lengths")
    length = sympy.expand(high - low)
    if length.free_symbols or not number_of(length, 40) > 0:
        raise Undecided("an interval without a length")
    first = low.subs(names[0], 0)
    return Periodic(first, length, sympy.Abs(steps[0]), *branch.open)
