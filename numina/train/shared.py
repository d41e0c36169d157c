"""TRL's trainer where several processes share a model and the blocks of an epoch.

accelerate would give every process as many blocks by repeating some, so the result would depend
on the number of processes. Here the blocks come in the order that one process takes, and what is
lacking at the end is made up by rows that carry no loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from accelerate.data_loader import SeedableRandomSampler
from accelerate.utils import broadcast_object_list
from datasets import Dataset, concatenate_datasets
from torch.utils.data import Sampler

from numina.template import IGNORED
from numina.train.trainer import Trainer

FILLER_TOKENS = 2  # of a row without loss; a loss is of a token and the one before it


class Filled(Sampler[int]):
    """The blocks in the order of one process, then the filler.

    Args:
        blocks: how many there are; the filler comes after them in the data set.
        each: what the processes take together in one forward pass.
        seed: of the order, which is another in each epoch.
    """

    def __init__(self, blocks: int, each: int, seed: int) -> None:
        # One process shuffles with this sampler: accelerate puts it into every trainer.
        self.shuffled = SeedableRandomSampler(range(blocks), data_seed=seed)
        self.blocks, self.fillers = blocks, -blocks % each

    def __iter__(self) -> Iterator[int]:
        yield from self.shuffled
        yield from [self.blocks] * self.fillers

    def __len__(self) -> int:
        return self.blocks + self.fillers

    def set_epoch(self, epoch: int) -> None:
        self.shuffled.set_epoch(epoch)


class SharedTrainer(Trainer):
    """A trainer whose result is that of one process."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.blocks = len(self.train_dataset)
        filler = filler_of(self.train_dataset)
        self.train_dataset = concatenate_datasets([self.train_dataset, filler])

    def _get_train_sampler(self, train_dataset: Any = None) -> Filled:
        each = self.args.per_device_train_batch_size * self.accelerator.num_processes
        return Filled(self.blocks, each, self.args.data_seed or 0)


def filler_of(blocks: Dataset) -> Dataset:
    """A row of a few tokens without loss, in the form of the others."""
    row = {
        name: value[:FILLER_TOKENS] if isinstance(value, list) else value
        for name, value in blocks[0].items()
    }
    row["labels"] = [IGNORED] * FILLER_TOKENS
    if "seq_lengths" in row:
        row["seq_lengths"] = [FILLER_TOKENS]
    return Dataset.from_list([row], features=blocks.features)


def from_first(value: Any) -> Any:
    """What the first process has, in every process."""
    held = [value]
    broadcast_object_list(held)
    return held[0]


def whole(weight: torch.Tensor) -> Any:
    """A context in which a weight that ZeRO-3 has shared out is there in full."""
    from deepspeed.runtime.zero import GatheredParameters

    return GatheredParameters([weight])
