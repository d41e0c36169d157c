"""Records in parquet shards: ``part-00000.parquet``, ``part-00001.parquet``, and so on.

A shard has a fixed number of rows, in row groups of a fixed size, and the columns of the record's
class in their order, so equal rows give equal bytes. Rows are written and read a few at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from numina.errors import UserError
from numina.rows.columns import check_columns, column_of, records_of, schema_of
from numina.rows.jsonl import existing
from numina.rows.whole import written_folder

Record = TypeVar("Record")

ROWS_A_SHARD = 20_000
ROWS_A_GROUP = 10_000
AT_ONCE = 100  # rows that are Python objects at a time
NAME = "part-{:05d}.parquet"
PART = "part-{:05d}.unfinished"


@contextmanager
def written_shards(folder: Path, kind: type[Record]) -> Iterator[Callable[[Record], None]]:
    """A function that adds a record to the shards of a folder.

    The folder replaces the old one only once it is complete. Without records it has one shard.

    Args:
        folder: the folder to write.
        kind: the class of the records.

    Raises:
        UserError: it cannot be written, or the disk is full.
    """
    with written_folder(folder) as temporary, Shards(temporary, kind) as shards:

        def write(record: Record) -> None:
            shards.add(record)
            if shards.rows == ROWS_A_SHARD:
                shards.end()

        yield write
        if shards.rows or not shards.number:
            shards.end()


class Shards:
    """Writes records to the shards of a folder that exists, and ends a shard when asked to.

    Args:
        folder: where they go.
        kind: the class of the records.
        first: number of the first shard to write.

    Attributes:
        number: of the shard that is written.
        rows: of this shard so far.
    """

    def __init__(self, folder: Path, kind: type, first: int = 0) -> None:
        self.folder, self.schema, self.number = folder, schema_of(kind), first
        self.rows = 0
        self.waiting: list[Any] = []
        self.group: list[Any] = []  # batches of the row group to be written next
        self.file: Any = None  # the writer of the shard, once it has a row group

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the shard that is written unfinished."""
        if self.file is not None:
            self.file.close()

    def add(self, record: Any) -> None:
        """Add a record."""
        self.waiting.append(record)
        self.rows += 1
        if len(self.waiting) == AT_ONCE:
            self.convert()
            if self.rows % ROWS_A_GROUP == 0:
                self.end_group()

    def convert(self) -> None:
        """Make a batch of the records that wait."""
        import pyarrow as pa

        columns = [column_of(self.waiting, field) for field in self.schema]
        self.group.append(pa.record_batch(columns, schema=self.schema))
        self.waiting = []

    def end_group(self) -> None:
        """Write the batches so far as a row group."""
        import pyarrow as pa
        import pyarrow.parquet

        if self.file is None:
            self.file = pyarrow.parquet.ParquetWriter(
                self.folder / PART.format(self.number),
                self.schema,
                compression="zstd",
                compression_level=3,
            )
        self.file.write_table(pa.Table.from_batches(self.group, self.schema), ROWS_A_GROUP)
        self.group = []

    def end(self) -> None:
        """Complete the shard, which may be empty; what is added from now on goes to the next."""
        if self.waiting:
            self.convert()
        if self.group or self.file is None:
            self.end_group()
        self.close()
        (self.folder / PART.format(self.number)).rename(self.folder / NAME.format(self.number))
        self.number, self.rows, self.file = self.number + 1, 0, None


def shard_files(folder: Path) -> list[Path]:
    """The shards of a folder, in order.

    Raises:
        UserError: the folder or one of the shards is missing.
    """
    files = sorted(existing(folder).glob("part-*.parquet"))
    if not files:
        raise UserError(f"{folder}: holds no shards (part-*.parquet)")
    for number, file in enumerate(files):
        if file.name != NAME.format(number):
            raise UserError(f"{folder / NAME.format(number)}: not found")
    return files


def count_shard_rows(folder: Path) -> int:
    """How many rows the shards of a folder have.

    Raises:
        UserError: as `read_shards`.
    """
    return sum(opened(file).metadata.num_rows for file in shard_files(folder))


def read_shards(folder: Path, kind: type[Record]) -> Iterator[Record]:
    """The records in the shards of a folder, read a few at a time.

    Raises:
        UserError: a shard is missing or damaged, or does not have the columns of `kind`.
    """
    for file in shard_files(folder):
        yield from read_shard(file, kind)


def read_shard(file: Path, kind: type[Record]) -> Iterator[Record]:
    """The records in a shard, read a few at a time.

    Raises:
        UserError: as `read_shards`.
    """
    for batch in batches_of(file, kind):
        yield from records_of(batch, kind)


def batches_of(file: Path, kind: type) -> Iterator[Any]:
    """The record batches of a shard.

    Raises:
        UserError: as `read_shards`.
    """
    table = opened(file)
    check_columns(file, table.schema_arrow, kind)
    with damage_named(file):
        yield from table.iter_batches(AT_ONCE)


def opened(file: Path) -> Any:
    """A shard, to be read.

    Raises:
        UserError: it is damaged.
    """
    import pyarrow.parquet

    with damage_named(file):
        return pyarrow.parquet.ParquetFile(file)


@contextmanager
def damage_named(file: Path) -> Iterator[None]:
    """What pyarrow raises for a damaged file as a `UserError`."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, UnicodeError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{file}: cannot be read as parquet: {reason}") from None
