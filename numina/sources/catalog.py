"""The list of embedded families, and the problems drawn from them."""

from __future__ import annotations

import math

from numina.errors import UserError
from numina.records.problem import Problem
from numina.sources.families import (
    algebra,
    counting,
    division,
    equations,
    geometry,
    number_theory,
    primes,
    selections,
    sequences,
)
from numina.sources.family import Draw, Family

FAMILIES: tuple[Family, ...] = (
    *algebra.FAMILIES,
    *equations.FAMILIES,
    *counting.FAMILIES,
    *selections.FAMILIES,
    *geometry.FAMILIES,
    *number_theory.FAMILIES,
    *primes.FAMILIES,
    *division.FAMILIES,
    *sequences.FAMILIES,
)


def as_problem(family: Family, draw: Draw, wording: int) -> Problem:
    """Convert a draw to a problem, in one of its wordings."""
    return Problem(
        id=f"{family.name}/{'-'.join(map(str, draw.numbers))}",
        problem=draw.statements[wording],
        answer=str(draw.answer),
        source=family.name,
        solution=f"{draw.chain} The answer is $\\boxed{{{draw.answer}}}$.",
        subject=family.subject,
        level=family.level,
    )


def drawn(key: str, family: Family, seed: int, count: int, *, validation: bool) -> list[Draw]:
    """Draw `count` different problems of a family; `key` is the setting to name in errors.

    Raises:
        UserError: the family has fewer on that side of the split.
    """
    draws = family.draws(seed, count, validation=validation)
    if len(draws) < count:
        side = "validation" if validation else "training"
        raise UserError(
            f"{key} asks for {count} {side} problems of family {family.name}, "
            f"which has {len(draws)}: ask for fewer"
        )
    return draws


def training_problems(seed: int, per_family: int) -> list[tuple[Problem, Draw]]:
    """Training problems in every wording except the last, by each family's share.

    Raises:
        UserError: a family has too few problems.
    """
    problems = []
    for family in FAMILIES:
        count = math.ceil(family.share * per_family)
        key = f"collect.per_family: {per_family}"
        for place, draw in enumerate(drawn(key, family, seed, count, validation=False)):
            problems.append((as_problem(family, draw, place % (len(draw.statements) - 1)), draw))
    return problems


def validation_problems(seed: int, min_level: int, max_level: int, count: int) -> list[Problem]:
    """`count` problems spread evenly over the families of these levels, one in five reworded.

    The others are worded as in training; their numbers never occur in training.

    Raises:
        UserError: a family has too few problems.
    """
    families = [family for family in FAMILIES if min_level <= family.level <= max_level]
    key = f"validation_sets: a split's count: {count} (levels {min_level} to {max_level})"
    problems = []
    for place, family in enumerate(families):
        share = count // len(families) + (place < count % len(families))
        for draw in drawn(key, family, seed, share, validation=True):
            known = len(problems) % (len(draw.statements) - 1)
            problems.append(as_problem(family, draw, -1 if len(problems) % 5 == 4 else known))
    return problems
