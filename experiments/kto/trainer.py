"""TRL's KTO trainer on tokens of our own, with program output out of the reward and of the KL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference, KTOTrainer

from experiments.kto.tokens import Encoded
from numina.errors import UserError

ROW = "row"  # the column with a row's place


@dataclass
class MaskedCollator(DataCollatorForUnpairedPreference):
    """Takes program output out of `completion_mask` and `KL_completion_mask`.

    TRL sums log-probabilities over these masks, for the reward and for the KL. The model still
    reads the output: `attention_mask` stays as it is.
    """

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        import torch

        output = super().torch_call(examples)
        for prefix in ("", "KL_"):
            mask = output[f"{prefix}completion_mask"]
            for line, example in zip(mask, examples, strict=True):
                begin = len(example["prompt_ids"])
                learned = torch.tensor(example[f"{prefix}learned"])[: len(line) - begin]
                line[begin : begin + len(learned)] *= learned
        output[ROW] = torch.tensor([example[ROW] for example in examples])
        return output


def dataset_of(batches: Sequence[Sequence[Encoded]]) -> Any:
    """The rows of micro-batches in their order, each with the completion of the row before it in
    its batch, of which the KL is estimated."""
    rows = []
    for batch in batches:
        for place, one in enumerate(batch):
            other = batch[place - 1]  # of another problem
            rows.append(
                {
                    ROW: len(rows),
                    "prompt_ids": one.prompt_ids,
                    "completion_ids": one.completion_ids,
                    "learned": one.learned,
                    "KL_completion_ids": other.completion_ids,
                    "KL_learned": other.learned,
                    "label": one.sample.right,
                }
            )
    return Dataset.from_list(rows)


class MaskedTrainer(KTOTrainer):
    """A KTO trainer whose rows come tokenised and paired.

    TRL leaves rewards that are not finite out of its means, so a sample that breaks the model
    would pass unseen; here it ends the run.

    Args:
        names: of the rows, for errors.
        options: of TRL's trainer.

    Raises:
        UserError: the reference model gives a sample no finite log-probability.
    """

    def __init__(self, names: Sequence[str], **options: Any) -> None:
        self.names = names
        super().__init__(**options)
        columns = (self.train_dataset[name] for name in ("ref_logps", "ref_KL_logps"))
        for name, *logps in zip(names, *columns, strict=True):
            if not all(map(math.isfinite, logps)):
                raise UserError(
                    f"the reward is not finite: the model to start from gives {name} the "
                    f"log-probability {logps[0]}, and the completion paired with it {logps[1]}"
                )

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        rows = inputs[ROW].tolist()
        inputs = {key: value for key, value in inputs.items() if key != ROW}

        def checked(**given: Any) -> Any:
            outputs = model(**given)
            whole = outputs.log_probs.isfinite().all(-1).tolist()
            for row, finite in zip(rows, whole, strict=True):
                if not finite:
                    raise UserError(
                        f"training failed at step {self.state.global_step + 1}: the reward of "
                        f"{self.names[row]} is not finite"
                    )
            return outputs

        passed: Any = checked
        return super().compute_loss(passed, inputs, return_outputs, num_items_in_batch)
