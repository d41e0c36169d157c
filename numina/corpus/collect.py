"""Bring every source into one table: families, files, data sets of the hub, digitized exams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from numina.errors import UserError
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import each_problem
from numina.settings.data import Collect, Source
from numina.sources.family import Draw
from numina.sources.opened import Opened, drawn, local_files, open_source, problems_of
from numina.sources.reading import Ids

FAMILIES = "the embedded families"


def collect(
    params: Collect, families: Sequence[tuple[Problem, Draw]], digitized: Path
) -> Iterator[Problem | Removal]:
    """The rows of all sources one by one, and those that cannot be read.

    Every file is found, and every mapping checked, before the first row.

    Args:
        params: the stage's knobs.
        families: problems drawn from the embedded families.
        digitized: the pairs cut from exams.

    Raises:
        UserError: a source is missing or does not fit its mapping; two rows have the same id; no
            row of a source can be read; or, with `on_bad_row: fail`, one row cannot.
    """
    entries = [Source(path=file.path, count=file.count) for file in params.jsonl]
    opened = [(open_source(source), source.count) for source in (*entries, *params.sources)]
    ids = Ids()
    for problem, _ in families:
        ids.add(problem.id, FAMILIES)
        yield problem
    for source, count in opened:
        yield from rows_of(source, count, params, ids)
    for problem in each_problem(digitized):
        ids.add(problem.id, str(digitized))
        yield problem


def files_of_sources(params: Collect) -> list[Path]:
    """The local files of all sources; those of the hub are known by their commits.

    Raises:
        UserError: one is missing.
    """
    paths = [entry.path for entry in (*params.jsonl, *params.sources) if entry.path]
    return [file for path in paths for file, _ in local_files(path)]


def rows_of(source: Opened, count: int, params: Collect, ids: Ids) -> Iterator[Problem | Removal]:
    """The rows of one source: `count` of its problems by seed, or with 0 all of them."""
    place = source.files[0][1]
    chosen = drawn(source, count, params.seed) if count else None
    rows, kept, first, bad = 0, 0, "", 0
    for row in problems_of(source, ids):
        rows += 1
        if isinstance(row, Problem):
            if chosen is None or row.id in chosen:
                kept += 1
                yield row
            continue
        if row.rule != "duplicate":
            if params.on_bad_row == "fail":
                raise UserError(f"{row.where}: {row.reason}")
            first, bad = first or f"{row.where}: {row.reason}", bad + 1
        yield row
    if bad and not kept:
        raise UserError(f"{place}: all {bad} rows are rejected; the first: {first}")
    if not rows:
        raise UserError(f"{place}: holds no rows")
