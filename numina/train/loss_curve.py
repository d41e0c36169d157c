"""The loss of a training by step, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numina.rows import csv_text

COLUMNS = ["step", "epoch", "loss", "learning_rate", "tokens"]
HELD_OUT = "held_out_loss"


def loss_table(history: Sequence[dict[str, Any]]) -> str:
    """The training log as CSV, one row per optimiser step.

    If there are held-out rows, a last column has the loss on them at the last step of each epoch,
    and is empty at the other steps.
    """
    evaluated = {row["step"]: row["eval_loss"] for row in history if "eval_loss" in row}
    rows = [
        {
            "step": row["step"],
            "epoch": round(row["epoch"], 4),
            "loss": round(float(row["loss"]), 5),
            "learning_rate": f"{float(row['learning_rate']):.3e}",
            "tokens": int(row.get("num_tokens", 0)),
            HELD_OUT: round(evaluated[row["step"]], 5) if row["step"] in evaluated else "",
        }
        for row in history
        if "loss" in row
    ]
    fields = [
        "step",
        "epoch",
        "loss",
        "learning_rate",
        "tokens",
        *([HELD_OUT] if evaluated else []),
    ]
    return csv_text(fields, rows)
