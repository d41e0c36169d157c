"""Published figures to show beside ours, each only if the problems are the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """A figure that somebody published.

    Attributes:
        split: the set by our name, or in words if we have none.
        n: its problems.
        system: who answered, and how.
        low: the share right.
        high: the same, or the upper end if a range was published.
        kind: the system of ours that works in the same way.
    """

    split: str
    n: int
    system: str
    low: float
    high: float
    kind: str


WINNER = "NuminaMath-7B-TIR"
# From the winners' blog post and data set cards.
PUBLISHED = (
    Published("amc", 83, f"{WINNER}, SC-TIR", 0.60, 0.65, "sctir"),
    Published("AMC 2023", 40, f"{WINNER}, greedy", 20 / 40, 20 / 40, "tir_greedy"),
    Published("AMC 2023", 40, f"{WINNER}, maj@64", 31 / 40, 31 / 40, "sctir"),
    Published("AIME 2024", 30, f"{WINNER}, greedy", 5 / 30, 5 / 30, "tir_greedy"),
    Published("AIME 2024", 30, f"{WINNER}, maj@64", 10 / 30, 10 / 30, "sctir"),
    Published("MATH, the whole test set", 5000, f"{WINNER}, greedy", 0.682, 0.682, "tir_greedy"),
    Published("MATH, the whole test set", 5000, "NuminaMath-7B-CoT, greedy", 0.563, 0.563, "cot"),
    Published("MATH, the whole test set", 5000, "DeepSeekMath-7B-RL, TIR", 0.588, 0.588, "tir"),
    Published("MATH, the whole test set", 5000, "GPT-4o, chain of thought", 0.766, 0.766, "cot"),
)


def published(split: str, n: int) -> list[Published]:
    """The figures for exactly these problems: a part or a sample of a set is another set."""
    return [row for row in PUBLISHED if row.split == split and row.n == n]


def elsewhere(counts: dict[str, int]) -> list[Published]:
    """The figures for problems that were not asked here."""
    return [row for row in PUBLISHED if counts.get(row.split) != row.n]
