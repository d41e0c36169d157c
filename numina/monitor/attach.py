"""What a person sees of a training while it runs. Nothing here can change a weight."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numina.progress import training_bar
from numina.records.problem import Problem
from numina.template import Template


class Asked(NamedTuple):
    """What is completed.

    Attributes:
        problems: a prompt each.
        template: how a problem becomes a prompt.
        room: the most tokens of prompt and completion.
    """

    problems: Sequence[Problem]
    template: Template
    room: int


def attach(
    trainer: Any, name: str, live: Path | None, asked: Asked, epoch: int, *, writes: bool
) -> None:
    """Add to a trainer what shows its progress.

    Args:
        trainer: of transformers, or one that is built on it.
        name: of the model that is trained, which names the files.
        live: the folder of the live curve and of samples; None for no files.
        asked: the problems of the samples.
        epoch: optimiser steps of one.
        writes: whether this process, of those that train together, writes the files.
    """
    from numina.monitor.curve import LiveCurve
    from numina.monitor.meter import Meter
    from numina.monitor.samples import Samples

    # Before the trackers, which the trainer has by now, so that they get its figures.
    trainer.callback_handler.callbacks.insert(0, Meter())
    trainer.add_callback(training_bar())
    if live is None:
        return
    if writes:
        trainer.add_callback(LiveCurve(live / f"{name}.live.csv"))
    if asked.problems:
        file = live / f"{name}.samples.jsonl" if writes else None
        trainer.add_callback(Samples(trainer, asked, epoch, file))
