"""How many processes train together, and what each of them takes of a batch."""

from __future__ import annotations

import os

from numina.errors import UserError
from numina.settings.hardware import Hardware

NODE_RANK = "NUMINA_NODE_RANK"  # of a node that another one starts; else hardware.nodes.rank


def together() -> int:
    """How many processes, this one included, train together, once they have been started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def together_here() -> int:
    """How many of them are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def is_rank() -> bool:
    """Whether this process is one of several that train together."""
    return together() > 1


def is_first() -> bool:
    """Whether this process is the one that writes: alone, or the first of all."""
    return os.environ.get("RANK", "0") == "0"


def processes(hardware: Hardware) -> int:
    """Processes on this machine.

    Raises:
        UserError: there are cards, and fewer than processes.
    """
    import torch

    cards = torch.cuda.device_count()
    count = hardware.processes or max(1, cards)
    if 0 < cards < count:
        raise UserError(f"hardware.processes: {count} processes, and {cards} cards are visible")
    return count


def world_size(hardware: Hardware) -> int:
    """Processes on all machines."""
    return processes(hardware) * max(1, len(hardware.nodes.hosts))


def forward_passes(batch_size: int, micro_batch: int, world: int) -> int:
    """Forward passes of a process in an optimiser step, so that all together take `batch_size`.

    Raises:
        UserError: they do not share it out evenly.
    """
    at_once = world * micro_batch
    if batch_size % at_once:
        raise UserError(
            f"batch_size: {batch_size} blocks a step are not shared out evenly: {world} "
            f"processes (hardware.processes, hardware.nodes.hosts) that take {micro_batch} at "
            f"once (hardware.micro_batch) take {at_once}"
        )
    return batch_size // at_once
