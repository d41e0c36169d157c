"""TRL's trainer, with the loss on held-out rows a token, and without a trace in the training."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from trl.trainer.sft_trainer import SFTTrainer

from numina.monitor.undisturbed import undisturbed
from numina.template import IGNORED


class Trainer(SFTTrainer):
    """Evaluation gives the loss in nats per trained token, as training does.

    By itself the trainer takes the mean over blocks of each block's mean. A block is evaluated by
    itself, so the loss does not depend on how many are trained on at once.
    """

    def evaluate(self, *args: Any, **options: Any) -> dict[str, float]:
        with undisturbed(self.model):
            return super().evaluate(*args, **options)

    def prediction_step(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
        inputs = self._prepare_inputs(inputs)
        # TRL takes the number for that of all processes, so it multiplies the loss by theirs.
        tokens = self.tokens_a_block * self.accelerator.num_processes
        with torch.no_grad(), self.compute_loss_context_manager():
            return self.compute_loss(model, inputs, num_items_in_batch=tokens), None, None

    @cached_property
    def tokens_a_block(self) -> float:
        """The mean number of tokens with loss of a held-out block."""
        blocks: Any = self.eval_dataset
        labels = (self.data_collator([block])["labels"][:, 1:] for block in blocks)
        return sum(int((block != IGNORED).sum()) for block in labels) / len(blocks)
