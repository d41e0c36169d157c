"""Tokens a second, and memory, of each optimiser step."""

from __future__ import annotations

import time
from typing import Any

import psutil
from transformers import TrainerCallback
from transformers.trainer_callback import TrainerState


class Meter(TrainerCallback):
    """Add `tokens_per_s` and `memory_gb` to the trainer's log, where trackers and curves read them.

    Tokens a second are those of all processes, over the time of the steps alone: evaluation,
    samples and checkpoints do not count. Memory, in 10^9 bytes, is what this process's card held at
    most so far, or without a card what the process holds now.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.began = self.seconds = 0.0

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        counted = [row["num_tokens"] for row in state.log_history if "num_tokens" in row]
        self.tokens = int(counted[-1]) if counted else 0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.began = time.monotonic()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds += time.monotonic() - self.began

    def on_log(self, args: Any, state: TrainerState, control: Any, **given: Any) -> None:
        row = state.log_history[-1]
        if "loss" not in row or not self.seconds:
            return
        tokens = int(row["num_tokens"])
        figures = {
            "tokens_per_s": round((tokens - self.tokens) / self.seconds, 1),
            "memory_gb": round(memory() / 1e9, 3),
        }
        row.update(figures)
        given["logs"].update(figures)
        self.tokens, self.seconds = tokens, 0.0


def memory() -> int:
    """Bytes: the most that was allocated on this process's card, or else its resident memory."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return psutil.Process().memory_info().rss
