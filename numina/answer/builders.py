r"""Sets by a condition on whole numbers: ``\{x\in\mathbb{Z}: x^2\le 1\}``.

Runs in the worker processes only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import sympy
from sympy.ntheory.modular import solve_congruence

from numina.answer.arithmetic import Unreadable
from numina.answer.compare import DOTS
from numina.answer.declared import Domain
from numina.answer.progressions import Progression
from numina.answer.sets import as_set, read
from numina.answer.shape import AND, CONGRUENT, EQUIVALENT, OR, Shape, read_shape, split, split_word

MOST = 1000  # residues
DIVIDES = re.compile(r"\s*([1-9]\d{0,8})\s*\|\s*[a-z]\s*")


class Continuum(Unreadable):
    """A condition that an interval of real numbers satisfies."""


def residues(text: str) -> tuple[list[int], int] | None:
    r"""The residues and the modulus of ``n \equiv 1, 5 \pmod 6``; None if it is not of this form.

    Raises:
        Unreadable: they are not whole numbers.
    """
    if divides := DIVIDES.fullmatch(text):
        return [0], int(divides[1])
    several = max(len(re.findall(sign, text)) for sign in (EQUIVALENT, "mod")) > 1
    if several or not CONGRUENT.fullmatch(text):
        return None
    shape = read_shape(text)
    if shape.kind != "congruence":
        return None
    modulus, *found = [read(Shape("formula", shape.text)), *map(read, shape.items)]
    if not modulus.is_Integer or modulus == 0 or not all(r.is_Integer for r in found):
        raise Unreadable("a congruence of other than numbers")
    return sorted({int(r) % abs(int(modulus)) for r in found}), abs(int(modulus))


def dotted(parts: Sequence[str]) -> Progression | None:
    r"""The progression of which ``1, 4, 7, \dots`` are members; None if there are no dots.

    Raises:
        Unreadable: it is not plain how they go on.
    """
    if DOTS not in [part.strip() for part in parts]:
        return None
    gaps = [place for place, part in enumerate(parts) if part.strip() == DOTS]
    shown = [read(Shape("formula", part)) for part in parts if part.strip() != DOTS]
    ahead = shown[:-1] if gaps == [len(parts) - 2] else shown
    steps = [sympy.simplify(b - a) for a, b in pairwise(ahead)]
    if len(steps) < 2 or any(step != steps[0] for step in steps) or steps[0] == 0:
        raise Unreadable("dots")
    if gaps == [len(parts) - 2]:
        last = sympy.simplify((shown[-1] - shown[0]) / steps[0])
        if not last.is_Integer or last < len(ahead):
            raise Unreadable("dots")
        return Progression(shown[0], steps[0], 0, int(last))
    if not set(gaps) <= {0, len(parts) - 1}:
        raise Unreadable("dots")
    low, high = (None if 0 in gaps else 0), (None if len(parts) - 1 in gaps else len(ahead) - 1)
    return Progression(shown[0], steps[0], low, high)


def both(conditions: Sequence[tuple[list[int], int]]) -> tuple[list[int], int]:
    """Congruences that hold together as one; with one modulus, they are listed alternatives."""
    moduli = [modulus for _, modulus in conditions]
    if len(set(moduli)) == 1:
        return sorted({residue for found, _ in conditions for residue in found}), moduli[0]
    if math.prod(len(found) for found, _ in conditions) > MOST:
        raise Unreadable("too many residues")
    solved = [
        solve_congruence(*zip(choice, moduli, strict=True))
        for choice in product(*(found for found, _ in conditions))
    ]
    return [int(one[0]) for one in solved if one], math.lcm(*moduli)


def solved(condition: str, name: str, domain: Domain) -> Iterator[Progression]:
    """The numbers of a domain that a condition on one name allows.

    Raises:
        Continuum: its solutions are real numbers and not single.
        Unreadable: it is not such a condition.
    """
    for way in split_word(condition, OR):
        yield from allowed(way, name, domain)


def allowed(text: str, name: str, domain: Domain) -> Iterator[Progression]:
    """As `solved`, for conditions that hold together."""
    congruences: list[tuple[list[int], int]] = []
    found: Any = sympy.S.Reals
    for half in split_word(text, AND):
        for part in split(half, ",;"):
            if not part.strip():
                continue
            if (congruence := residues(part.strip())) is not None:
                congruences.append(congruence)
            else:
                found = found.intersect(real(part, name))
    if domain.without:
        found = found - sympy.FiniteSet(*domain.without)
    if domain.listed:
        found = found.intersect(sympy.FiniteSet(*domain.listed))
    if found is sympy.S.EmptySet:
        return
    if isinstance(found, sympy.FiniteSet):
        yield from (Progression(value) for value in found if fits(value, congruences, domain))
        return
    if domain.real and congruences:
        domain = Domain()
    if domain.real:
        raise Continuum("real numbers that are not single")
    rests, modulus = both(congruences) if congruences else ([0], 1)
    for low, high in ranges(found):
        low = max((end for end in (low, domain.low) if end is not None), default=None)
        high = min((end for end in (high, domain.high) if end is not None), default=None)
        for rest in rests:
            least = None if low is None else -((rest - low) // modulus)
            most = None if high is None else (high - rest) // modulus
            if least is None or most is None or least <= most:
                yield Progression(sympy.Integer(rest), sympy.Integer(modulus), least, most)


def fits(value: Any, congruences: Sequence[tuple[list[int], int]], domain: Domain) -> bool:
    if domain.real and not congruences:
        return True
    if not value.is_Integer:
        if not value.is_Rational and value.is_integer is not False:
            raise Unreadable(f"{value} may be whole")
        return False
    inside = (domain.low is None or value >= domain.low) and (
        domain.high is None or value <= domain.high
    )
    return inside and all(int(value) % modulus in found for found, modulus in congruences)


def real(text: str, name: str) -> Any:
    """The real numbers that one condition on a name allows."""
    shape = read_shape(text)
    if shape.kind != "chain":
        raise Unreadable(f"not a condition: {text!r}")
    if shape.text == "=":
        value = read(shape.items[0]) - read(shape.items[1])
        if {str(symbol) for symbol in value.free_symbols} != {name}:
            raise Unreadable(f"not an equation in {name}: {text!r}")
        return sympy.solveset(value, sympy.Symbol(name), sympy.S.Reals)
    return as_set(shape)


def ranges(found: Any) -> Iterator[tuple[int | None, int | None]]:
    """The least and the greatest integer of each part of a set of real numbers."""
    if isinstance(found, sympy.Union):
        for part in found.args:
            yield from ranges(part)
    elif isinstance(found, sympy.FiniteSet):
        values: Any = list(found)
        yield from ((int(value), int(value)) for value in values if value.is_Integer)
    elif isinstance(found, sympy.Interval):
        low, high = sympy.ceiling(found.start), sympy.floor(found.end)
        low += int(bool(found.left_open and low.is_finite and low == found.start))
        high -= int(bool(found.right_open and high.is_finite and high == found.end))
        yield (
            int(low) if low.is_finite else None,
            int(high) if high.is_finite else None,
        )
    elif found is not sympy.S.EmptySet:
        raise Unreadable(f"the integers of {found}")
