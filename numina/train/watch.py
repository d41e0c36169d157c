"""Checks after each optimiser step."""

from __future__ import annotations

import math
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import TrainerControl, TrainerState
from transformers.training_args import TrainingArguments

from numina.errors import UserError

FINITE = {
    "loss": "the loss",
    "grad_norm": "the gradient's norm",
    "eval_loss": "the loss on held-out rows",
}


class Watch(TrainerCallback):
    """End a run whose loss or gradient is not finite, and count tokens across interruptions.

    The trainer logs a step before it writes its checkpoint, so a checkpoint never has what is
    refused here. TRL counts tokens from zero at each start; this adds the count in the log.
    """

    def __init__(self) -> None:
        self.tokens_before = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        seen = [int(row["num_tokens"]) for row in state.log_history if "num_tokens" in row]
        self.tokens_before = seen[-1] if seen else 0

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        row = state.log_history[-1]
        if "num_tokens" in row:
            row["num_tokens"] = int(row["num_tokens"]) + self.tokens_before
            given["logs"]["num_tokens"] = row["num_tokens"]
        for name, words in FINITE.items():
            if not math.isfinite(float(row.get(name, 0.0))):
                loss = f" (loss {row['loss']})" if "loss" in row else ""
                raise UserError(
                    f"training failed at step {state.global_step}: {words} is {row[name]}{loss}; "
                    f"the last checkpoint is kept in {args.output_dir}"
                )
