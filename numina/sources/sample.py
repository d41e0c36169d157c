"""Take a seeded sample of problems."""

from __future__ import annotations

import random
from collections.abc import Sequence

from numina.errors import UserError
from numina.records.problem import Problem


def sample(problems: Sequence[Problem], count: int, seed: int, place: str) -> list[Problem]:
    """`count` of the problems by seed, in the order of their ids; with 0, all of them.

    Raises:
        UserError: there are too few.
    """
    if count > len(problems):
        raise UserError(f"{place}: asked for {count} problems, has {len(problems)}")
    ordered = sorted(problems, key=lambda problem: problem.id)
    chosen = random.Random(seed).sample(ordered, count) if count else ordered
    return sorted(chosen, key=lambda problem: problem.id)
