"""A seeded handful of the problems of a file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from numina.errors import UserError
from numina.records.problem import Problem
from numina.sources.reading import read_source


def sample_file(path: Path, count: int, seed: int) -> list[Problem]:
    """`count` problems of a JSONL file by seed, in the order of their ids; with 0, all of them.

    Raises:
        UserError: the file is missing, wrong, or shorter than asked.
    """
    return sample(read_source(path), count, seed, str(path))


def sample(problems: Sequence[Problem], count: int, seed: int, place: str) -> list[Problem]:
    """`count` of the problems by seed, in the order of their ids; with 0, all of them.

    Raises:
        UserError: there are fewer.
    """
    if count > len(problems):
        raise UserError(f"{place}: asked for {count} problems, has {len(problems)}")
    ordered = sorted(problems, key=lambda problem: problem.id)
    chosen = random.Random(seed).sample(ordered, count) if count else ordered
    return sorted(chosen, key=lambda problem: problem.id)
