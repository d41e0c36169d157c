"""Problems as a sequence that stays on disk, and read in another order than theirs."""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from typing import Any

from numina.records.problem import Problem
from numina.rows.columns import check_columns, records_of
from numina.rows.jsonl import existing, parse_row
from numina.rows.parquet import AT_ONCE, batches_of, opened, shard_files
from numina.rows.problems import each_problem, filled, to_problem

SORTED_AT_ONCE = 10_000  # rows in memory where the order changes


class StoredProblems(Sequence[Problem]):
    """The problems that a stage wrote, read when they are asked for.

    `picked` reads many in another order; to ask for single ones of shards takes milliseconds each.

    Args:
        path: a folder of shards, or a ``.jsonl`` file.

    Raises:
        UserError: it is missing or damaged. Iterating raises as `each_problem`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = Shelf(path) if existing(path).is_dir() else Lines(path)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Problem]:
        return each_problem(self.path)

    def __getitem__(self, place: int) -> Problem:  # type: ignore[override]  # no slices
        return self.rows.at(place)


class Lines:
    """The lines of a JSONL file by their places: eight bytes a row are in memory."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.begins = array("q")
        at = 0
        with file.open("rb") as lines:
            for line in lines:
                if line.strip():
                    self.begins.append(at)
                at += len(line)

    def __len__(self) -> int:
        return len(self.begins)

    def at(self, place: int) -> Problem:
        where = f"{self.file}, row {place + 1}"
        with self.file.open("rb") as lines:
            lines.seek(self.begins[place])
            return to_problem(parse_row(lines.readline(), where), where)


class Shelf:
    """The rows of a folder's shards by their places: one row group is in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, shard_files(folder)
        self.groups: list[tuple[Path, int]] = []
        rows = []
        for file in self.files:
            table = opened(file)
            check_columns(file, table.schema_arrow, Problem)
            for group in range(table.num_row_groups):
                self.groups.append((file, group))
                rows.append(table.metadata.row_group(group).num_rows)
        self.ends = list(accumulate(rows))
        self.held, self.table = -1, None

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def at(self, place: int) -> Problem:
        number = bisect_right(self.ends, place)
        if number != self.held:
            file, group = self.groups[number]
            self.held, self.table = number, opened(file).read_row_group(group)
        begin = self.ends[number - 1] if number else 0
        (problem,) = records_of(self.table.slice(place - begin, 1), Problem)  # pyright: ignore[reportOptionalMemberAccess]
        return filled(problem, self.where(place))

    def where(self, place: int) -> str:
        return f"{self.folder}, row {place + 1}"

    def picked(self, places: Sequence[int]) -> Iterator[Problem]:
        """The rows at some places, in the order of these.

        The shards are read once: their rows go to temporary files by their new place, and each of
        these files is then sorted in memory.
        """
        import numpy as np
        import pyarrow as pa

        if not places:
            return
        order = np.full(len(self), -1, np.int64)
        order[np.asarray(places)] = np.arange(len(places))
        with tempfile.TemporaryDirectory() as scratch:
            parts = [Path(scratch) / str(n) for n in range(-(-len(places) // SORTED_AT_ONCE))]
            self.spread(order, parts)
            for file in parts:
                with pa.ipc.open_stream(file) as rows:
                    part = rows.read_all()
                part = part.take(np.argsort(part["order"].to_numpy()))
                for batch in part.to_batches(AT_ONCE):
                    found = records_of(batch, Problem)
                    for number, problem in zip(batch["order"].to_pylist(), found, strict=True):
                        yield filled(problem, self.where(places[number]))

    def spread(self, order: Any, parts: Sequence[Path]) -> None:
        """Write each row that has a new place to the file of its place, with a column for it."""
        import numpy as np
        import pyarrow as pa

        begin, sinks = 0, []
        with ExitStack() as stack:
            for file in self.files:
                for batch in batches_of(file, Problem):
                    places = order[begin : begin + batch.num_rows]
                    begin += batch.num_rows
                    batch = batch.append_column("order", pa.array(places))
                    sinks = sinks or [
                        stack.enter_context(pa.ipc.new_stream(part, batch.schema)) for part in parts
                    ]
                    of = np.where(places < 0, -1, places // SORTED_AT_ONCE)
                    for number in set(of.tolist()) - {-1}:
                        sinks[number].write(batch.take(np.flatnonzero(of == number)))


def picked(problems: Sequence[Problem], places: Sequence[int]) -> Iterator[Problem]:
    """The problems at some places, in the order of these, a few in memory at a time.

    Args:
        problems: in a list, or stored.
        places: each once.

    Raises:
        UserError: as `each_problem`.
    """
    if isinstance(problems, StoredProblems) and isinstance(problems.rows, Shelf):
        return problems.rows.picked(places)
    return map(problems.__getitem__, places)
