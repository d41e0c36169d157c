"""Read the rows of JSONL and parquet files one by one; a row that cannot be read says why."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.rows import existing, numbered_lines, parse_row

BATCH = 100  # rows of a parquet file in memory at once
LOOKED_AT = 100  # rows of a JSONL file whose keys are its columns


@dataclass(frozen=True, slots=True)
class Raw:
    """A row as a file holds it.

    Attributes:
        where: the file and the row, for messages.
        fields: by column; empty if the row cannot be read.
        text: the line, if it cannot be read.
        error: why it cannot be read; "" if it can.
    """

    where: str
    fields: Mapping[str, Any]
    text: str = ""
    error: str = ""


def rows_of(file: Path, place: str, encoding: str, wanted: Collection[str]) -> Iterator[Raw]:
    """The rows of a file.

    Args:
        file: ``.parquet``, ``.jsonl`` or ``.jsonl.gz``.
        place: what messages call it.
        encoding: of a JSONL file.
        wanted: columns to read; those that a parquet file lacks are left out.

    Raises:
        UserError: it is missing, or not a parquet file.
    """
    existing(file)
    if file.suffix == ".parquet":
        return parquet_rows(file, place, wanted)
    return jsonl_rows(file, place, encoding)


def columns_of(file: Path, place: str, encoding: str) -> list[str]:
    """The columns of a file: of a JSONL file, the keys of its first rows.

    Raises:
        UserError: as `rows_of`.
    """
    existing(file)
    if file.suffix == ".parquet":
        return opened(file, place).schema_arrow.names
    rows = itertools.islice(jsonl_rows(file, place, encoding), LOOKED_AT)
    return list(dict.fromkeys(column for row in rows for column in row.fields))


def jsonl_rows(file: Path, place: str, encoding: str) -> Iterator[Raw]:
    """The lines of a JSONL file; where a gzip file is damaged, its rest is one unreadable row."""
    number = 0
    try:
        for number, line in numbered_lines(file, encoding):
            where = f"{place}, line {number}"
            try:
                yield Raw(where, parse_row(line, where, encoding))
            except UserError as error:
                text = line.decode("utf-8", "backslashreplace").rstrip("\n")
                yield Raw(where, {}, text, str(error).removeprefix(f"{where}: "))
    except UserError as error:
        where = f"{place}, line {number + 1}"
        yield Raw(where, {}, error=str(error).split(": ", 1)[-1])


def parquet_rows(file: Path, place: str, wanted: Collection[str]) -> Iterator[Raw]:
    """The rows of a parquet file, numbered from 1."""
    import pyarrow

    table = opened(file, place)
    columns = [name for name in table.schema_arrow.names if name in wanted]
    number = 0
    try:
        for batch in table.iter_batches(BATCH, columns=columns):
            for row in plain_rows(batch):
                number += 1
                where = f"{place}, row {number}"
                yield Raw(where, {}, error=row) if isinstance(row, str) else Raw(where, row)
    except (pyarrow.ArrowException, OSError) as error:
        yield Raw(f"{place}, row {number + 1}", {}, error=f"damaged parquet file ({error})")


def plain_rows(batch: Any) -> Iterator[dict[str, Any] | str]:
    """The rows of a batch as dicts; of one whose text is not UTF-8, the reason."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for at in range(batch.num_rows):
            try:
                yield from batch.slice(at, 1).to_pylist()
            except UnicodeDecodeError as error:
                yield f"not UTF-8 ({error})"


def opened(file: Path, place: str) -> Any:
    """A parquet file, to be read.

    Raises:
        UserError: it is not one.
    """
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{place}: cannot be read as parquet: {reason}") from None
