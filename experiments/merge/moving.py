"""The moving average of the weights while a model is trained, kept in its checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import TrainerCallback
from transformers.trainer_callback import TrainerControl, TrainerState
from transformers.training_args import TrainingArguments

FILE = "average.pt"  # in a checkpoint's folder


class MovingAverage(TrainerCallback):
    """After each step, average = decay * average + (1 - decay) * weights; it starts as the weights.

    TRL's BEMACallback is alike, but its average is not in checkpoints and its decay changes with
    the steps.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.averaged: AveragedModel | None = None

    @property
    def network(self) -> Any:
        """The model with averaged weights."""
        assert self.averaged is not None, "nothing was trained"
        return self.averaged.module

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        **_: Any,
    ) -> None:
        self.averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(self.decay))
        if state.global_step:
            kept = checkpoint(args, state) / FILE
            self.averaged.load_state_dict(torch.load(kept, weights_only=True))
        else:
            self.averaged.update_parameters(model)  # the first one copies

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        **_: Any,
    ) -> None:
        assert self.averaged is not None
        self.averaged.update_parameters(model)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        assert self.averaged is not None
        torch.save(self.averaged.state_dict(), checkpoint(args, state) / FILE)


def checkpoint(args: TrainingArguments, state: TrainerState) -> Path:
    """The folder of the checkpoint at the step that is done."""
    return Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
