"""Samples in blocks: best fit over the whole set, so that few places stay empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numina.train.tokens import Row


def pack(rows: Sequence[Row], max_length: int) -> Any:
    """A data set of blocks of at most `max_length` tokens, each of whole samples.

    The longest sample that is left goes into the block with the least room that holds it. A block
    has `input_ids`, `labels`, and `seq_lengths`, from which each sample's positions are counted.
    """
    from datasets import Dataset
    from trl.data_utils import pack_dataset

    # TRL's trainer would pack thousands of rows apart from the next thousand.
    whole = {"batch_size": len(rows)}
    return pack_dataset(Dataset.from_list(list(rows)), max_length, "bfd", whole)
