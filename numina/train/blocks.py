"""Put encoded rows together into the blocks that a trainer reads, on disk.

A block has `input_ids`, `labels` and, packed by best fit, `seq_lengths`, from which TRL counts each
sample's positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from numina.template import IGNORED
from numina.train.packing import pack
from numina.train.tokens import SCHEMA, TOKENS, arrow_file, batches, lists, table_of

AT_ONCE = 1000  # blocks, or rows, that are held in memory
PACKED = SCHEMA.append(pa.field("seq_lengths", TOKENS))


class Rows(NamedTuple):
    """The tokens of some rows one after another, and how many each row has."""

    ids: np.ndarray
    labels: np.ndarray
    lengths: np.ndarray


def write_blocks(encoded: Any, packing: str, size: int, file: Path) -> int:
    """Write the blocks of encoded rows to an Arrow file.

    Args:
        encoded: a data set of rows of `tokens.SCHEMA`; they are read as they are needed.
        packing: `best_fit`, `wrapped` or `none`, as in params.yaml.
        size: the most tokens of a block.

    Returns:
        How many tokens carry loss: a block's first token does not, nor does that of a sample whose
        positions begin anew.
    """
    if packing == "wrapped":
        return write_wrapped(encoded, size, file)
    lengths = lengths_of(encoded)
    if packing == "best_fit":
        return write_whole(encoded, pack(lengths, size), file, PACKED)
    return write_whole(encoded, [[at] for at in range(len(lengths))], file, SCHEMA)


def write_whole(
    encoded: Any, blocks: Sequence[Sequence[int]], file: Path, schema: pa.Schema
) -> int:
    """Write blocks of whole samples, given by their places in `encoded`."""
    trained = 0
    with arrow_file(file, schema) as sink:
        for part in batches(blocks, AT_ONCE):
            samples = rows_of(encoded[[at for block in part for at in block]])
            held = np.array([len(block) for block in part])
            firsts = np.cumsum(held) - held
            table = table_of(samples.ids, samples.labels, np.add.reduceat(samples.lengths, firsts))
            columns = [*table.columns, lists(samples.lengths, held)]
            sink.write(pa.record_batch(columns[: len(schema)], schema=schema))
            starts = np.cumsum(samples.lengths) - samples.lengths
            learnt = samples.labels != IGNORED
            trained += int(learnt.sum() - learnt[starts].sum())
    return trained


def write_wrapped(encoded: Any, size: int, file: Path) -> int:
    """Write the rows one after another, cut into blocks; a block without loss is left out."""
    trained = 0
    with arrow_file(file, SCHEMA) as sink:
        for ids, labels in cut(encoded, size):
            learnt = (labels[:, 1:] != IGNORED).sum(axis=1)
            kept = learnt > 0
            lengths = np.full(kept.sum(), ids.shape[1])
            sink.write(table_of(ids[kept].ravel(), labels[kept].ravel(), lengths))
            trained += int(learnt.sum())
    return trained


def cut(encoded: Any, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids and labels of blocks of `size` tokens, many at a time; last, of the one that is left."""
    ids = labels = np.zeros(0, np.int32)
    for table in encoded.iter(AT_ONCE):
        rows = rows_of(table)
        ids, labels = np.concatenate([ids, rows.ids]), np.concatenate([labels, rows.labels])
        whole = len(ids) // size * size
        yield ids[:whole].reshape(-1, size), labels[:whole].reshape(-1, size)
        ids, labels = ids[whole:], labels[whole:]
    yield ids[None], labels[None]


def lengths_of(encoded: Any) -> list[int]:
    """How many tokens each row has."""
    return [
        length
        for table in encoded.iter(AT_ONCE)
        for length in table["input_ids"].combine_chunks().value_lengths().to_pylist()
    ]


def rows_of(table: pa.Table) -> Rows:
    """The tokens of an Arrow table of `tokens.SCHEMA`."""
    ids, labels = (table[name].combine_chunks() for name in ("input_ids", "labels"))
    lengths = ids.value_lengths().to_numpy()
    return Rows(ids.flatten().to_numpy(), labels.flatten().to_numpy(), lengths)
