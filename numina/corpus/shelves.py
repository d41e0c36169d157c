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
from numina.rows import parquet
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
        self.begin_at(len(list(self.folders[1].glob("part-*.parquet"))))  # the last written
        self.taken = 0
        self.written = self.read_finished()
        self.again: list[Problem | Removal] = []  # of the finished shard that is taken again

    def begin_at(self, number: int) -> None:
        """Write from this shard on; those before it are finished."""
        for file in chain(*(each.iterdir() for each in self.folders)):
            if file.name not in map(parquet.NAME.format, range(number)):
                file.unlink()
        self.kept = parquet.Shards(self.folders[0], Problem, number)
        self.rejected = parquet.Shards(self.folders[1], Rejected, number)
        self.done = number * parquet.ROWS_A_SHARD

    def read_finished(self) -> tuple[Iterator[Problem], Iterator[Removal]]:
        """The rows of the finished shards, kept and left out."""
        if not self.done:
            return iter(()), iter(())
        return parquet.read_shards(self.folders[0], Problem), each_removal(self.folders[1])

    def __enter__(self) -> Shelves:
        return self

    def __exit__(self, *_: object) -> None:
        for shards in (self.kept, self.rejected):
            shards.close()

    def take(self, row: Problem | Removal) -> None:
        """Take a row that is kept, or one that is left out.

        One of a finished shard is not written again. If it is another than the killed run took, as
        can be where programs run out of time, that shard and the later ones are written anew.
        """
        if self.taken < self.done:
            self.again.append(row)
            if next(self.written[isinstance(row, Removal)], None) != row:
                self.begin_at(self.taken // parquet.ROWS_A_SHARD)
                for earlier in self.again:
                    self.add(earlier)
        else:
            self.add(row)
        self.taken += 1
        if self.taken % parquet.ROWS_A_SHARD == 0:
            self.again = []
            if self.taken > self.done:
                self.end_shards()

    def add(self, row: Problem | Removal) -> None:
        """Add a row to a shard."""
        if isinstance(row, Removal):
            self.rejected.add(stored(row))
        else:
            self.kept.add(row)

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
        return Finished(self.done, self.written[0])

    def rules(self) -> Counter[str]:
        """How many rows each rule left out in the finished shards."""
        return Counter(removal.rule for removal in self.written[1])


@contextmanager
def lasting(folder: Path, finished: str = f"{REJECTED}/part-*.parquet") -> Iterator[Path]:
    """A folder for this run alone, which stays if the run ends early and has finished a part.

    Args:
        folder: from `numina.resume.stage_folder`.
        finished: what the files of finished parts are called, as a pattern.

    Raises:
        UserError: another run of the same stage, inputs and knobs has it.
    """
    with locked(folder):
        try:
            yield folder
        except BaseException:
            if not list(folder.glob(finished)):
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
