"""The shards of a stage while it runs: those that a killed run finished are not written again.

A shard has the rows that were kept of a fixed number of rows, and beside it is one of the rows that
were left out of these; so a stage's rows are cut at the same places whatever it keeps.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.resume import locked
from numina.rows import each_problem, parquet
from numina.rows.rejected import Rejected, each_removal, stored

REJECTED = "rejected"


class Finished(NamedTuple):
    """What a killed run finished.

    Attributes:
        rows: that it took.
        kept: those of them that it kept.
    """

    rows: int
    kept: Iterable[Problem]


NOTHING = Finished(0, ())


class Shelves:
    """Writes the rows of a stage in a folder, after the shards that are there.

    Args:
        folder: of this run, which may have been interrupted.
        name: of the folder of kept rows in it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folders = folder / name, folder / REJECTED
        for each in self.folders:
            each.mkdir(exist_ok=True)
        done = len(list(self.folders[1].glob("part-*.parquet")))  # these are the last written
        for file in chain(*(each.iterdir() for each in self.folders)):
            if file.name not in map(parquet.NAME.format, range(done)):
                file.unlink()
        self.kept = parquet.Shards(self.folders[0], Problem, done)
        self.rejected = parquet.Shards(self.folders[1], Rejected, done)
        self.done = done * parquet.ROWS_A_SHARD
        self.taken = 0

    def __enter__(self) -> Shelves:
        return self

    def __exit__(self, *_: object) -> None:
        for shards in (self.kept, self.rejected):
            shards.close()

    def keep(self, row: Problem) -> None:
        """Take a row that is kept."""
        if self.taken >= self.done:
            self.kept.add(row)
        self.count()

    def reject(self, removal: Removal) -> None:
        """Take a row that is left out."""
        if self.taken >= self.done:
            self.rejected.add(stored(removal))
        self.count()

    def count(self) -> None:
        """Count a row, and end both shards if they have all their rows."""
        self.taken += 1
        if self.taken > self.done and self.taken % parquet.ROWS_A_SHARD == 0:
            self.end_shards()

    def end(self) -> None:
        """End the last shards; there is one at least."""
        if self.taken % parquet.ROWS_A_SHARD or not self.kept.number:
            self.end_shards()

    def end_shards(self) -> None:
        self.kept.end()
        self.rejected.end()

    def finished(self) -> Finished:
        """What a killed run finished, counted as taken."""
        self.taken = self.done
        return Finished(self.done, each_problem(self.folders[0]) if self.done else ())

    def rules(self) -> Counter[str]:
        """How many rows each rule left out in the finished shards."""
        removals = each_removal(self.folders[1]) if self.done else ()
        return Counter(removal.rule for removal in removals)


@contextmanager
def lasting(folder: Path) -> Iterator[Path]:
    """A folder for this run alone, which stays if the run ends early and has finished a shard.

    Raises:
        UserError: another run of the same stage, inputs and knobs has it.
    """
    with locked(folder):
        try:
            yield folder
        except BaseException:
            if not list((folder / REJECTED).glob("part-*.parquet")):
                shutil.rmtree(folder)
            raise
        shutil.rmtree(folder)


@contextmanager
def passing(out: Path) -> Iterator[Path]:
    """A folder on the disk of an out, which goes at the end."""
    near = next(parent for parent in out.parents if parent.exists())
    with tempfile.TemporaryDirectory(prefix=".numina-", dir=near) as folder:
        yield Path(folder)


def put(file: Path, place: Path) -> None:
    """Put a file in another place, too: a killed run may need it where it is."""
    try:
        os.link(file, place)
    except OSError:  # on another disk
        shutil.copyfile(file, place)
