"""Convert training rows to tokens and labels on disk: there can be more than memory holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from numina.errors import UserError
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.settings.training import Sft
from numina.template import IGNORED, Template, encode, end_token
from numina.train.workers import in_order

Item = TypeVar("Item")

BATCH = 500  # rows that a process is given at once
ROWS_A_PROCESS = 5000  # with fewer, starting a process takes longer than their work
TOKENS = pa.list_(pa.int32())
SCHEMA = pa.schema([("input_ids", TOKENS), ("labels", TOKENS)])


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows and tokens there are, and how many are trained on.

    Attributes:
        rows: all rows.
        too_long: rows left out because they have more than `max_length` tokens.
        trained: the other rows.
        tokens: tokens of the trained rows.
        loss_tokens: tokens that carry loss.
        held_out: rows that fit and are not trained on, but evaluated.
    """

    rows: int
    too_long: int
    trained: int
    tokens: int
    loss_tokens: int
    held_out: int = 0


def encode_rows(
    tokenizer: Any,
    template: Template,
    rows: Iterable[Problem],
    params: Sft,
    file: Path,
    count: int,
    processes: int,
) -> int:
    """Write the token ids and labels of each row that fits in a block to an Arrow file, in order.

    With `packing: wrapped` every row fits, as rows are cut where a block ends.

    Args:
        tokenizer, template, params: how a row is encoded.
        rows: are read one by one.
        file: has a row of `SCHEMA` for each of `rows` that fits.
        count: of rows, for the progress bar.
        processes: the most that work side by side.

    Returns:
        The number of rows.

    Raises:
        UserError: a row has no token to learn except its end, or the tokenizer has no end token.
    """
    end_token(tokenizer)
    work = partial(encode_batch, tokenizer, template, params)
    processes = max(1, min(processes, count // ROWS_A_PROCESS))
    done = 0
    with arrow_file(file, SCHEMA) as sink:
        for size, encoded in shown(in_order(work, batches(rows, BATCH), processes), count):
            sink.write(encoded)
            done += size
    return done


def shown(
    encoded: Iterator[tuple[int, pa.RecordBatch]], count: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """What `encode_batch` returns, with a progress bar where it takes a while."""
    if count <= BATCH:
        yield from encoded
        return
    with progress_bar(count, "rows tokenised") as bar:
        for size, batch in encoded:
            yield size, batch
            bar.update(size)


def encode_batch(
    tokenizer: Any, template: Template, params: Sft, rows: list[Problem]
) -> tuple[int, pa.RecordBatch]:
    """How many rows there are, and those that fit, of `SCHEMA`.

    Raises:
        UserError: as `encode_rows`.
    """
    ids: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    wrapped = params.packing == "wrapped"
    ending = 2 if wrapped else 1  # tokens after a solution
    for row in rows:
        encoded = encode(
            tokenizer,
            template,
            row.problem,
            row.solution,
            mask_prompt=params.mask_prompt,
            mask_output=params.mask_output,
            mask_failed=params.mask_failed,
            end_line=wrapped,
        )
        if not any(label != IGNORED for label in encoded["labels"][1:-ending]):
            raise UserError(f"row {row.id!r}: all tokens are masked, so there is nothing to learn")
        if wrapped or len(encoded["input_ids"]) <= params.max_length:
            ids.append(np.array(encoded["input_ids"], np.int32))
            labels.append(np.array(encoded["labels"], np.int32))
    lengths = np.array([len(row) for row in ids], np.int32)
    return len(rows), table_of(np.concatenate([*ids, []]), np.concatenate([*labels, []]), lengths)


def lists(values: np.ndarray, lengths: np.ndarray) -> pa.ListArray:
    """Values one after another as lists of these lengths."""
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(ends, pa.array(values.astype(np.int32)))


def table_of(ids: np.ndarray, labels: np.ndarray, lengths: np.ndarray) -> pa.RecordBatch:
    """A batch of `SCHEMA` from the tokens of all its rows one after another."""
    return pa.record_batch([lists(ids, lengths), lists(labels, lengths)], schema=SCHEMA)


@contextmanager
def arrow_file(file: Path, schema: pa.Schema) -> Iterator[Any]:
    """A file to write batches to, which `datasets` maps into memory.

    Raises:
        UserError: it cannot be written, or the disk is full.
    """
    try:
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            yield writer
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror or error}") from None


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Items in lists of `size`, the last one of what is left."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
