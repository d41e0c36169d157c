"""Problem families: statements with numbers drawn from a seed, solved in two ways."""

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
    """The steps that the embedded teacher knows for one problem, by its id."""

    id: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """One problem drawn from a family.

    Attributes:
        numbers: the numbers that determine this problem.
        statements: the same problem in different words, at least three; the last is never
            trained on.
        chain: the chain of thought as a person would write it, without the final box.
        steps: the tool-integrated solution; the last line that the last program prints is the
            answer. The programs of one solution share their names.
        answer: computed by the family in Python, if possible by another method than the
            programs'.
        canonical: if several choices of numbers give the same problem, such as (4, 6) and (6, 4)
            for paths on a grid, one of them for all; by default `numbers`.
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
        draw: makes a problem from a random generator.
        subject: algebra, number_theory, counting, geometry or sequences.
        level: difficulty from 1 to 5; by default up to 3 is mini_amc, above it mini_aime.
        share: training problems, as a share of `collect.per_family`; small for rare families,
            0 for families that appear in validation only.
    """

    draw: Callable[[Random], Draw]
    subject: str
    level: int
    share: float = 1.0

    @property
    def name(self) -> str:
        return getattr(self.draw, "__name__", "family")

    def draws(self, seed: int, count: int, *, validation: bool) -> list[Draw]:
        """Draw `count` different problems, or as many as there are, for training or validation.

        A checksum of the family's name and the canonical numbers decides which of the two a
        problem belongs to, so they cannot overlap, whatever the seeds.
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
