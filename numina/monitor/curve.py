"""The figures of a training as a CSV file that grows while it runs, such as for `dvc plots show`.

It is no out of a stage: times and memory are never the same twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import TrainerState

from numina.rows import csv_text, write_text

WRITE_S = 2  # between writes: the file is written whole, and long trainings have many steps
COLUMNS = {  # of the file, by their names in the trainer's log
    "step": "step",
    "epoch": "epoch",
    "loss": "loss",
    "eval_loss": "held_out_loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "num_tokens": "tokens",
    "tokens_per_s": "tokens_per_s",
    "memory_gb": "memory_gb",
}


class LiveCurve(TrainerCallback):
    """Write the log of a trainer to a file, whole each time, at most every `WRITE_S` seconds.

    A training that continues from a checkpoint begins with the steps before it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.written = 0.0

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        self.write(state)

    def on_log(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        if time.monotonic() - self.written >= WRITE_S:
            self.write(state)
            self.written = time.monotonic()

    def on_train_end(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        self.write(state)

    def write(self, state: TrainerState) -> None:
        write_text(self.file, csv_text(list(COLUMNS.values()), by_step(state.log_history)))


def by_step(history: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a step: the loss on held-out rows has a log entry of its own, of the same step."""
    rows: dict[int, dict[str, Any]] = {}
    for entry in history:
        if "loss" in entry or "eval_loss" in entry:
            found = {column: entry[name] for name, column in COLUMNS.items() if name in entry}
            rows.setdefault(entry["step"], {}).update(found)
    return list(rows.values())
