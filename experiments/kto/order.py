"""Micro-batches in which no two samples are of one problem.

KTO estimates the KL from mismatched pairs, and TRL makes them by exchanging completions inside a
micro-batch. With two samples of a problem side by side, such a pair would match.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from experiments.kto.tokens import Encoded


class Ordered(NamedTuple):
    """Samples in micro-batches, all of them full, and how many found no place in one."""

    batches: list[list[Encoded]]
    unpaired: int


def micro_batches(samples: Sequence[Encoded], size: int, seed: int) -> Ordered:
    """Put samples into as many full micro-batches as there can be.

    Each batch takes a sample of each of the problems that have most left, ties by chance, which
    makes the most batches. Of a problem it takes a right or a wrong sample so that the batch has
    about the share of right ones that all samples have.

    Args:
        samples: to train on.
        size: of a micro-batch.
        seed: of the order of samples and batches.
    """
    rng = random.Random(seed)
    waiting: dict[str, list[Encoded]] = defaultdict(list)
    for row in samples:
        waiting[row.sample.problem_id].append(row)
    for rows in waiting.values():
        rng.shuffle(rows)
    batches: list[list[Encoded]] = []
    while sum(1 for rows in waiting.values() if rows) >= size:
        names = [name for name, rows in waiting.items() if rows]
        rng.shuffle(names)
        names.sort(key=lambda name: -len(waiting[name]))
        left = [row.sample.right for rows in waiting.values() for row in rows]
        batch: list[Encoded] = []
        for name in names[:size]:
            expected = sum(left) / len(left) * (len(batch) + 1)
            wants = sum(row.sample.right for row in batch) + 0.5 < expected
            batch.append(take(waiting[name], wants))
        batches.append(batch)
    rng.shuffle(batches)
    return Ordered(batches, sum(map(len, waiting.values())))


def take(rows: list[Encoded], right: bool) -> Encoded:
    """Remove a sample with a label from a problem's, or the last one if there is none."""
    places = [place for place, row in enumerate(rows) if row.sample.right == right]
    return rows.pop(places[-1] if places else -1)
