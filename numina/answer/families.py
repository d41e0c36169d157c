r"""Answers with a parameter or a condition: families of solutions, sets, points and intervals.

``\frac{\pi}{6}+2k\pi`` for whole k, ``\{x \mid x=5k+2, k\in\mathbb{Z}\}``, ``n\equiv 1, 5\pmod 6``,
``(3t, 1-2t)``. They are compared as sets, so that the name of the parameter and the member that it
starts from do not matter. Runs in the worker processes only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import sympy

from numina.answer.arithmetic import Unreadable
from numina.answer.compare import equal_answers
from numina.answer.declared import Domain, take_declarations
from numina.answer.family import Family, NotLinear, locus, periodic, progressions
from numina.answer.family_reader import Reader
from numina.answer.loci import equal_loci
from numina.answer.periodic import equal_periodic
from numina.answer.progressions import equal_unions
from numina.answer.verdicts import Undecided

WHOLE = {*"klmnj"}  # letters of whole numbers, where nothing is said


def equal_families(prediction: str, gold: str) -> bool | None:
    """Whether two cleaned answers are the same family; None if they are not both families.

    Raises:
        Undecided: they are, and it could not be decided.
    """
    verdicts = set()
    natural = False
    for start in (0, 1):
        try:
            sides = [Reader(start).family(text) for text in (prediction, gold)]
        except Unreadable:
            return equal_rules(prediction, gold, only_real=True)
        natural = any(d.natural for side in sides for d in side.domains.values())
        if is_rule(*sides):
            return equal_rules(prediction, gold)
        if not comparable(*sides):
            return None
        kinds = [side.kinds for side in sides]
        if {"continuum"} in kinds:
            return False if {"value"} in kinds else None  # single numbers and an interval
        verdicts.add(compared(*(settled(side, sides, start) for side in sides)))
        if not natural:
            break
    if len(verdicts) > 1:
        raise Undecided("whether 0 is a natural number")
    return verdicts.pop()


def comparable(left: Family, right: Family) -> bool:
    """Whether two answers are families; without a declaration, only where nothing else is meant."""
    if left.names and right.names and left.names != right.names and len(left.names) == 1:
        return False
    sides = (left, right)
    if any(side.declares for side in sides):
        return True
    parts = [any(one.kind == "part" for one in side.branches) for side in sides]
    if any(parts):
        return all(part or side.letters for part, side in zip(parts, sides, strict=True))
    if not left.letters or not right.letters or left.unknown or right.unknown:
        return False
    renamed = not left.letters & right.letters
    if left.kinds == right.kinds == {"value"}:
        if turning(left) and turning(right):
            return renamed or bool(left.names and right.names) or aside(left, right)
        return renamed and bool(left.names and right.names)
    return renamed and len(left.letters) == len(right.letters) == 1


def is_rule(left: Family, right: Family) -> bool:
    """Whether one of two answers is a rule, as ``a_n = 2n+1`` or ``y = 2x`` for real x."""
    for side in (left, right):
        named = {letter for name in side.names for letter in re.findall("[A-Za-z]+", name)}
        if named & side.letters:
            return True
        stated = side.letters & side.domains.keys()
        if side.kinds == {"value"} and any(side.domains[letter].real for letter in stated):
            return True
    return False


def equal_rules(prediction: str, gold: str, *, only_real: bool = False) -> bool | None:
    """Whether two rules are the same, where what they declare does not differ.

    With `only_real`, they may be any answers that declare nothing but real numbers, which is the
    usual thing.
    """
    (ours, domains), (theirs, others) = map(take_declarations, (prediction, gold))
    if not (domains or others) or not ours or not theirs:
        return None
    real = all(domain.real for domain in (*domains.values(), *others.values()))
    if only_real and (not real or r"\{" in ours + theirs):
        return None
    if domains and others and domains != others:
        return None
    return equal_answers(ours, theirs)


def turning(family: Family) -> bool:
    r"""Whether all steps are fractions of \pi, and some part is a family of whole numbers."""
    steps = [
        sympy.diff(one.values[0], symbol) / sympy.pi
        for one in family.branches
        for symbol in one.symbols
    ]
    return family.letters <= WHOLE and all(step.is_Rational for step in steps)


def aside(left: Family, right: Family) -> bool:
    r"""Whether both have the letter k, and parts as ``\frac{\pi}{4}+k\pi``, not ``(k-2)\pi``."""
    if left.letters != {"k"} or right.letters != {"k"}:
        return False
    k = sympy.Symbol("k")
    values = [one.values[0] for side in (left, right) for one in side.branches if one.symbols]
    return not any((value.subs(k, 0) / sympy.diff(value, k)).is_Integer for value in values)


def settled(side: Family, sides: Sequence[Family], start: int) -> Family:
    """A family in which each parameter has a domain: its own, the other side's, or the usual."""
    stated = {d for one in sides for name, d in one.domains.items() if name in one.letters}
    if len(stated) == 1:
        usual = stated.pop()
    else:
        whole_ones = "value" in side.kinds or side.letters <= WHOLE
        usual = Domain(real=not whole_ones)
    domains = {name: side.domains.get(name, usual) for name in side.letters}
    for name, domain in domains.items():
        if domain.natural:
            domains[name] = replace(domain, natural=False, low=start)
    return replace(side, domains=domains)


def compared(left: Family, right: Family) -> bool:
    sides = (left, right)
    kinds = left.kinds | right.kinds
    if kinds == {"interval", "point"} and all(
        len(one.values) == 2 for side in sides for one in side.branches
    ):
        kinds = {"interval"}
        sides = tuple(
            replace(
                side,
                branches=tuple(
                    replace(one, kind="interval", open=(True, True)) if one.kind == "point" else one
                    for one in side.branches
                ),
            )
            for side in sides
        )
    if len(kinds) > 1:
        if "except" in kinds and kinds != {"except", "value"}:
            raise Undecided("what is left out, and what is not")
        return False
    if kinds <= {"value", "except"}:
        return equal_values_of(*sides)
    if kinds == {"interval"}:
        if not left.letters or not right.letters:
            return False  # a bounded set and one without bounds
        return equal_periodic(*([periodic(one, side) for one in side.branches] for side in sides))
    return equal_loci(*([locus(one, side) for one in side.branches] for side in sides))


def equal_values_of(left: Family, right: Family) -> bool:
    try:
        return equal_unions(
            *(
                [p for one in side.branches for p in progressions(one, side)]
                for side in (left, right)
            )
        )
    except NotLinear:
        return equal_loci(*([locus(one, side) for one in side.branches] for side in (left, right)))
