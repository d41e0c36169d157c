"""What a stage of the data build writes: the rows that it keeps, those that it rejects, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numina.corpus.shelves import NOTHING, REJECTED, Finished, Shelves, lasting, passing, put
from numina.records.dropped import Removal, in_words
from numina.records.problem import Problem
from numina.rows import shard_files, write_json, written_folder

COUNTS = "counts.json"


class Sifted:
    """Takes the rows of a stage one by one, each as kept or as rejected, and counts them.

    Args:
        write: called with each row that is kept.
        write_rejected: called with each that is not.
        shelves: where they are written to, if that is to disk.

    Attributes:
        kept: how many were kept.
        rejected: how many each rule rejected.
        first: the first that was rejected.
    """

    def __init__(
        self,
        write: Callable[[Problem], object],
        write_rejected: Callable[[Removal], object],
        shelves: Shelves | None = None,
    ) -> None:
        self.write, self.write_rejected, self.shelves = write, write_rejected, shelves
        self.kept = 0
        self.rejected: Counter[str] = Counter()
        self.first: Removal | None = None

    def take(self, row: Problem | Removal) -> None:
        """Take a row of either kind."""
        if isinstance(row, Removal):
            self.reject(row)
        else:
            self.keep(row)

    def keep(self, row: Problem) -> None:
        """Take a row that is kept."""
        self.write(row)
        self.kept += 1

    def reject(self, removal: Removal) -> None:
        """Take a row that is left out."""
        self.write_rejected(removal)
        self.first = self.first or removal
        self.rejected[removal.rule] += 1

    def leave_out(self, row: Problem, rule: str) -> None:
        """Take a problem that a rule leaves out."""
        self.reject(Removal(row, rule))

    def finished(self) -> Finished:
        """The rows that a killed run took and wrote, which are now taken: for a stage that can go
        on without them. Other stages take all rows again, and the first ones are not written."""
        if self.shelves is None:
            return NOTHING
        done = self.shelves.finished()
        self.rejected.update(self.shelves.rules())
        self.kept += done.rows - self.rejected.total()
        return done

    @property
    def left_out(self) -> str:
        """How many rows each rule rejected, in one line."""
        return in_words(self.rejected)

    @property
    def first_left_out(self) -> str:
        """The first row that was rejected, with its rule and reason, in one line."""
        if self.first is None:
            return "none"
        row, rule, reason = self.first.row, self.first.rule, self.first.reason
        name = row.id if isinstance(row, Problem) else self.first.where
        return f"{name!r} by {rule}{f' ({reason})' if reason else ''}"

    @property
    def counts(self) -> dict[str, Any]:
        """How many rows there were, in all and by rule."""
        rejected = dict(sorted(self.rejected.items()))
        total = self.kept + sum(rejected.values())
        return {"in": total, "kept": self.kept, "rejected": rejected}


@contextmanager
def sifted_rows(folder: Path, name: str, resume: Path | None = None) -> Iterator[Sifted]:
    """Write the rows of a stage: kept ones to `name`, the others to `REJECTED`, counts to `COUNTS`.

    Nothing is written to `folder` if the stage fails. If `resume` is given, the shards that a
    killed run finished are not written again (`numina.corpus.shelves`).

    Args:
        folder: the stage's out.
        name: of the folder of kept rows in it.
        resume: where the shards are until all are there, from `numina.resume.stage_folder`.
    """
    with lasting(resume) if resume else passing(folder) as place, Shelves(place, name) as shelves:
        rows = Sifted(shelves.take, shelves.take, shelves)
        yield rows
        shelves.end()
        for part in (name, REJECTED):
            with written_folder(folder / part) as out:
                for file in shard_files(place / part):
                    put(file, out / file.name)
        write_json(folder / COUNTS, rows.counts)
