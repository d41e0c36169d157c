"""Which samples are trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from experiments.kto.order import micro_batches
from experiments.kto.samples import Sample
from experiments.kto.settings import TrainParams
from experiments.kto.tokens import Encoded, encode_sample
from numina.errors import UserError
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
        all_right, all_wrong: problems that were skipped, as their samples have one label.
        uniform: the samples of these problems.
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
        return (
            f"{self.trained} of {self.samples} samples, {self.right} of them right; skipped "
            f"{self.all_right} problems that are always solved and {self.all_wrong} that never "
            f"are ({self.uniform} samples); {self.too_long} samples too long, "
            f"{self.nothing_learned} empty, {self.unpaired} without a partner"
        )


def chosen_rows(
    samples: Iterable[Sample], tokenizer: Any, template: Template, knobs: TrainParams
) -> tuple[list[list[Encoded]], Counts]:
    """The micro-batches to train on.

    Raises:
        UserError: no problem has right and wrong samples, or too few have to fill a micro-batch.
    """
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
    always = [name for name, found in labels.items() if found == {True}]
    never = [name for name, found in labels.items() if found == {False}]
    skipped = set() if knobs.keep_uniform else {*always, *never}
    kept = [row for name, rows in by_problem.items() if name not in skipped for row in rows]
    if len({row.sample.right for row in kept}) < 2:
        raise UserError(
            f"nothing to learn from: of {len(by_problem)} problems, the samples of {len(always)} "
            f"are all right and those of {len(never)} all wrong, and none has both. Draw more "
            "problems (kto.sample.problems) or samples (kto.sample.samples), or sample at a higher "
            "temperature (kto.sample.temperature)"
        )
    batches, unpaired = micro_batches(kept, knobs.micro_batch, knobs.seed)
    if not batches:
        raise UserError(
            f"kto.train.micro_batch: {knobs.micro_batch} samples of different problems are needed, "
            f"and {len({row.sample.problem_id for row in kept})} problems have right and wrong "
            "samples; draw more (kto.sample.problems)"
        )
    rows = [row for batch in batches for row in batch]
    if len({row.sample.right for row in rows}) < 2:
        raise UserError("the samples that fill micro-batches are all right or all wrong")
    return batches, Counts(
        samples=total,
        trained=len(rows),
        right=sum(row.sample.right for row in rows),
        too_long=too_long,
        nothing_learned=empty,
        all_right=len(always) if skipped else 0,
        all_wrong=len(never) if skipped else 0,
        uniform=sum(len(by_problem[name]) for name in skipped),
        unpaired=unpaired,
    )
