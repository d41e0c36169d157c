"""What a problem family is: a statement with numbers drawn from a seed, worked in two ways."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

PATIENCE = 20_000  # draws without a new problem after which a family counts as exhausted


class Step(NamedTuple):
    """One step of a tool-integrated solution: a line of reasoning, then a program that prints."""

    thought: str
    program: str


@dataclass(frozen=True, slots=True)
class Worked:
    """The steps that the embedded teacher knows for the problem of an id."""

    id: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """One problem drawn from a family.

    Attributes:
        numbers: the numbers that make this problem what it is.
        statements: the same problem in different words, at least three; the last is never
            trained on.
        chain: the chain of thought as a person would write it, without the final box.
        steps: the tool-integrated solution; the last line that the last program prints is the
            answer. The programs of one solution share their names.
        answer: worked out by the family in Python by another way than the programs' where there is
            one.
        canonical: where exchanging numbers leaves the same problem, as (4, 6) and (6, 4) do for
            paths on a grid, one choice for all of them; by default the numbers as they are.
    """

    numbers: tuple[int, ...]
    statements: tuple[str, ...]
    chain: str
    steps: tuple[Step, ...]
    answer: int
    canonical: tuple[int, ...] = ()

    def on_validation_side(self, family: str) -> bool:
        """Whether this problem of a family is kept for validation (one in four is)."""
        return zlib.crc32(f"{family}{self.canonical or self.numbers}".encode()) % 4 == 0


@dataclass(frozen=True, slots=True)
class Family:
    """A way to draw problems of one kind.

    Attributes:
        draw: from a random generator to a problem.
        subject: algebra, number_theory, counting, geometry or sequences.
        level: difficulty from 1 to 5; by default up to 3 is mini_amc, above it mini_aime.
        share: problems drawn to train on, as a share of `collect.per_family`; small for
            families that are to stay rare, 0 for one that appears in validation only.
    """

    draw: Callable[[Random], Draw]
    subject: str
    level: int
    share: float = 1.0

    @property
    def name(self) -> str:
        return getattr(self.draw, "__name__", "family")

    def draws(self, seed: int, count: int, *, validation: bool) -> list[Draw]:
        """Draw `count` different problems, or as many as there are, for one side of the border.

        Which side a problem belongs to, training or validation, is decided by a checksum of the
        family's name and the canonical numbers, so the two cannot meet, whatever the seeds.
        """
        rng = Random(f"{self.name}/{seed}/{validation}")
        found: dict[tuple[int, ...], Draw] = {}
        in_vain = 0
        while len(found) < count and in_vain < PATIENCE:
            draw = self.draw(rng)
            in_vain += 1
            if draw.on_validation_side(self.name) == validation and draw.numbers not in found:
                found[draw.numbers] = draw
                in_vain = 0
        return list(found.values())
