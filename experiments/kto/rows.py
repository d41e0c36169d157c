"""Which samples are trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from experiments.kto.order import micro_batches
from experiments.kto.record import Sample
from experiments.kto.settings import TrainParams
from experiments.kto.tokens import Encoded, encode_sample
from numina.template import Template


@dataclass(frozen=True, slots=True)
class Counts:
    """How many samples are trained on, and how many are not.

    Attributes:
        samples: all of them.
        trained: in micro-batches.
        right: of these.
        too_long: longer than `max_length` tokens.
        nothing_learned: without a token of the model's own.
        all_right, all_wrong: problems whose samples have one label.
        uniform: samples of these problems that were skipped.
        unpaired: without a place in a full micro-batch of different problems.
    """

    samples: int
    trained: int
    right: int
    too_long: int
    nothing_learned: int
    all_right: int
    all_wrong: int
    uniform: int
    unpaired: int

    def in_words(self) -> str:
        """What is trained on, or why nothing is, and what is skipped."""
        return (
            f"{self.trained} of {self.samples} samples, {self.right} of them right; skipped: "
            f"{self.uniform} samples of problems with one label ({self.all_right} problems always "
            f"solved, {self.all_wrong} never), {self.too_long} too long, {self.nothing_learned} "
            f"empty, {self.unpaired} without a place in a micro-batch of different problems"
        )


def chosen_rows(
    samples: Iterable[Sample], tokenizer: Any, template: Template, knobs: TrainParams
) -> tuple[list[list[Encoded]], Counts]:
    """The micro-batches to train on; none if they would have right samples only, or wrong ones."""
    by_problem: dict[str, list[Encoded]] = defaultdict(list)
    total = too_long = empty = 0
    for sample in samples:
        total += 1
        row = encode_sample(tokenizer, template, sample, mask_output=knobs.mask_output)
        if len(row) > knobs.max_length:
            too_long += 1
        elif not any(row.learned):
            empty += 1
        else:
            by_problem[sample.problem_id].append(row)
    labels = {name: {row.sample.right for row in rows} for name, rows in by_problem.items()}
    kept = [
        row
        for name, rows in by_problem.items()
        if knobs.keep_uniform or len(labels[name]) == 2
        for row in rows
    ]
    batches, _ = micro_batches(kept, knobs.micro_batch, knobs.seed)
    if len({row.sample.right for batch in batches for row in batch}) < 2:
        batches = []
    rows = [row for batch in batches for row in batch]
    uniform = 0 if knobs.keep_uniform else sum(map(len, by_problem.values())) - len(kept)
    return batches, Counts(
        samples=total,
        trained=len(rows),
        right=sum(row.sample.right for row in rows),
        too_long=too_long,
        nothing_learned=empty,
        all_right=list(labels.values()).count({True}),
        all_wrong=list(labels.values()).count({False}),
        uniform=uniform,
        unpaired=len(kept) - len(rows),
    )
