"""Trackers of experiments that a training reports to: TensorBoard, Weights & Biases, Trackio."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numina.errors import UserError

PROJECT = "numina"


def check_trackers(trackers: Sequence[str]) -> None:
    """Check that the packages of trackers are installed, before a model is loaded.

    Raises:
        UserError: one is not, with the line that installs it.
    """
    for name in trackers:
        if find_spec(name) is None:
            raise UserError(
                f"hardware.trackers: {name} is not installed; pip install {name}, or leave it out"
            )


def tracker_options(trackers: Sequence[str], name: str, folder: Path) -> dict[str, Any]:
    """The arguments of a trainer's configuration that make it report.

    Files go to `folder`, and not to the trainer's own, which is removed at its end. Environment
    variables that a person has set are kept.

    Args:
        trackers: by the names that transformers has for them.
        name: of the model that is trained, and of the run.
        folder: where TensorBoard and Weights & Biases write.
    """
    if not trackers:
        return {"report_to": "none"}
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(folder / "tensorboard" / name))
    os.environ.setdefault("WANDB_DIR", str(folder))
    os.environ.setdefault("WANDB_PROJECT", PROJECT)
    return {"report_to": list(trackers), "run_name": name, "project": PROJECT}
