"""Every embedded family, and the problems drawn from them."""

from __future__ import annotations

import math

from numina.corpus.families import algebra, counting, geometry, number_theory, sequences
from numina.corpus.family import Draw, Family
from numina.records import Problem

FAMILIES: tuple[Family, ...] = (
    *algebra.FAMILIES,
    *counting.FAMILIES,
    *geometry.FAMILIES,
    *number_theory.FAMILIES,
    *sequences.FAMILIES,
)


def as_problem(family: Family, draw: Draw, wording: int) -> Problem:
    """A draw as a row, in one of its wordings."""
    return Problem(
        id=f"{family.name}/{'-'.join(map(str, draw.numbers))}",
        problem=draw.statements[wording],
        answer=str(draw.answer),
        source=family.name,
        solution=f"{draw.chain} The answer is $\\boxed{{{draw.answer}}}$.",
        subject=family.subject,
        level=family.level,
    )


def training_problems(seed: int, per_family: int) -> list[tuple[Problem, Draw]]:
    """Problems to train on, in every wording but the last, by each family's share."""
    return [
        (as_problem(family, draw, place % (len(draw.statements) - 1)), draw)
        for family in FAMILIES
        for place, draw in enumerate(
            family.draws(seed, math.ceil(family.share * per_family), validation=False)
        )
    ]


def validation_problems(seed: int, min_level: int, max_level: int, count: int) -> list[Problem]:
    """`count` problems spread evenly over the families of these levels, one in five in fresh words.

    The others are worded as in training; their numbers are never those of training.
    """
    families = [family for family in FAMILIES if min_level <= family.level <= max_level]
    problems = []
    for place, family in enumerate(families):
        share = count // len(families) + (place < count % len(families))
        for draw in family.draws(seed, share, validation=True):
            known = len(problems) % (len(draw.statements) - 1)
            problems.append(as_problem(family, draw, -1 if len(problems) % 5 == 4 else known))
    return problems
