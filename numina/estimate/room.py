"""Whether this machine has the memory and disk that a training needs, before it is started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from numina import terminal
from numina.errors import UserError
from numina.estimate.disk import on_disk, too_full
from numina.estimate.memory import Training, checkpoint_bytes, training_bytes
from numina.estimate.records import Kept
from numina.estimate.shapes import Shape, shape_of
from numina.estimate.units import in_gb
from numina.rows import read_object

STATES = ("weights", "gradients", "optimiser")  # exact; what else a training takes is an estimate


def check_room(model: Path, out: Path, run: Path, how: Training, here: int, saves: bool) -> None:
    """Refuse a training that cannot fit, with the numbers; warn of one that may not.

    Args:
        model: the folder of the model to train.
        out: the folder that will have the result.
        run: the folder of the run's checkpoints. What a killed run left there counts as needed
            and as free: it is used again.
        how: how the model is trained.
        here: processes on this machine.
        saves: whether checkpoints are written.

    Raises:
        UserError: weights, gradients and optimiser need more memory than a process can have, or
            the result and two checkpoints more disk than is free.
    """
    shape = shape_in(model)
    if shape is None:
        return
    parts = training_bytes(shape, how)
    free, whose = memory_of_a_process(here)
    states, total = sum(parts[name] for name in STATES), sum(parts.values())
    each = ", ".join(f"{name} {in_gb(parts[name])}" for name in STATES)
    if states > free:
        raise UserError(
            f"{model}: too little memory to train: {each}, for each of {how.processes} processes; "
            f"{in_gb(free)} {whose}"
        )
    if total > free:
        terminal.say(
            f"memory may not suffice: training takes about {in_gb(total)} ({each}, the rest for "
            f"activations), and {in_gb(free)} {whose}"
        )
    for line in too_full(list(written(shape, out, run, how, saves))):
        raise UserError(f"{model}: too little disk to train: {line}")


def shape_in(model: Path) -> Shape | None:
    """The shape of a model in a folder; None for an architecture whose sizes are not known."""
    try:
        return shape_of(read_object(model / "config.json"), str(model))
    except UserError:
        return None


def memory_of_a_process(here: int) -> tuple[int, str]:
    """Bytes that each of the processes on this machine can have, and whose they are, in words."""
    import torch

    cards = range(torch.cuda.device_count())
    if cards:
        least = min(torch.cuda.get_device_properties(card).total_memory for card in cards)
        return least, "are on a card"
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    return free // here, "are free for each" if here > 1 else "are free"


def written(shape: Shape, out: Path, run: Path, how: Training, saves: bool) -> Iterator[Kept]:
    """What the training writes: its result, and two checkpoints while the second is written."""
    yield on_disk(str(out), shape.parameters * (2 if how.processes > 1 and how.half else 4), out)
    if saves:
        left = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
        size = 2 * checkpoint_bytes(shape, how.processes, how.half)
        yield on_disk("checkpoints", max(0, size - left), run)
