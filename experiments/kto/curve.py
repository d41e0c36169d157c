"""The curves of a KTO training: rewards of right and wrong samples, their margin, the KL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from transformers.trainer_callback import TrainerState

from numina.monitor.curve import LiveCurve
from numina.rows import csv_text, write_text

COLUMNS = {  # of the file, by their names in the trainer's log
    "step": "step",
    "epoch": "epoch",
    "loss": "loss",
    "rewards/chosen": "chosen",
    "rewards/rejected": "rejected",
    "rewards/margins": "margin",
    "kl": "kl",
    "entropy": "entropy",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "num_tokens": "tokens",
}
DIGITS = 6  # significant ones


def curve_table(history: Iterable[Mapping[str, Any]]) -> str:
    """The training log as CSV, one row an optimiser step.

    `chosen` and `rejected` are mean rewards (beta times the log-ratio to the start) of right and
    wrong samples, `kl` is in nats a sample. A step without a sample of a kind has an empty cell.
    """
    rows = [
        {column: shown(row[name]) for name, column in COLUMNS.items() if name in row}
        for row in history
        if "loss" in row
    ]
    return csv_text(list(COLUMNS.values()), rows)


def shown(value: float) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(int(value))


class RewardCurve(LiveCurve):
    """Writes the curves to a file while the training runs."""

    def write(self, state: TrainerState) -> None:
        write_text(self.file, curve_table(state.log_history))
