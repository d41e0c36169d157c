"""Open a source of `collect`: where its files are, and its problems one by one."""

from __future__ import annotations

import glob
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from numina.errors import UserError
from numina.hub.fetch import fetch_matching
from numina.local import from_root
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import existing
from numina.settings.data import Source
from numina.sources.files import Raw, columns_of, rows_of
from numina.sources.known import KNOWN
from numina.sources.reading import (
    MESSAGES,
    Ids,
    Provenance,
    answer_of,
    content_hash,
    read_fields,
    source_problem,
    wanted,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A source whose files are on this machine.

    Attributes:
        files: each with what messages call it.
        columns: the column of each field that has another name.
        encoding: of JSONL files.
        provenance: of all its rows.
        prefix: of the ids that it makes or that are bare numbers.
    """

    files: tuple[tuple[Path, str], ...]
    columns: Mapping[str, str]
    encoding: str
    provenance: Provenance
    prefix: str


def open_source(source: Source) -> Opened:
    """Find the files of a source, fetch them if need be, and check its columns.

    Raises:
        UserError: a file is missing or cannot be fetched, or has no column for a field, with the
            columns that it has.
    """
    known = KNOWN.get(source.set)
    licence = source.licence or (known.licence if known else "")
    columns = {**(known.columns if known else {}), **source.columns}
    if source.path:
        files = local_files(source.path)
        name, revision = known.hub if known else Path(source.path).name, ""
        prefix = source.set or re.sub(r"(\.jsonl|\.parquet)?(\.gz)?$", "", name)
    else:
        at = known or source
        name, revision, prefix = at.hub, at.revision, source.set or at.hub
        found = fetch_matching(name, revision, at.files)
        files = tuple((file, f"{name}@{revision[:7]}/{within(file, revision)}") for file in found)
    for file, place in files:
        check_columns(columns_of(file, place, source.encoding), columns, place)
    provenance = Provenance(name, revision, licence)
    return Opened(files, columns, source.encoding, provenance, f"{prefix}/")


def within(file: Path, revision: str) -> str:
    """The path of a file in its data set, from that in the hub's cache."""
    return str(file).rpartition(f"/{revision}/")[2]


def local_files(path: str) -> tuple[tuple[Path, str], ...]:
    """The file at a path, or those that a pattern names, in the order of their names.

    Raises:
        UserError: it is missing or a folder, or no file matches.
    """
    file = from_root(path)
    if not file.exists() and set(path) & set("*?["):
        matching = sorted(glob.glob(str(file)))
        if not matching:
            raise UserError(f"{path}: no file matches")
        return tuple((Path(name), name) for name in matching)
    if file.is_dir():
        raise UserError(f"{path}: is a folder; name its files, such as {path}/*.parquet")
    return ((existing(file), path),)


def check_columns(present: list[str], columns: Mapping[str, str], place: str) -> None:
    """Refuse a mapping that does not fit a file.

    Raises:
        UserError: a column is missing, with those that exist.
    """
    if not present:
        return  # no rows, or none that can be read
    listed = f"it has {', '.join(present)}"
    for field, column in columns.items():
        if column and column not in present:
            raise UserError(f"{place}: columns.{field}: there is no column {column!r}; {listed}")
    if "problem" not in columns and not {"problem", *MESSAGES} & set(present):
        raise UserError(f"{place}: no column 'problem'; {listed}: name one in columns.problem")


def problems_of(opened: Opened, ids: Ids) -> Iterator[Problem | Removal]:
    """The problems of a source one by one, in the order of its files; bad rows as rejections.

    Args:
        opened: the source.
        ids: of all sources so far; those of this one are added.
    """
    for file, place in opened.files:
        for raw in rows_of(file, place, opened.encoding, wanted(opened.columns)):
            yield read(raw, opened, ids)


def read(raw: Raw, opened: Opened, ids: Ids) -> Problem | Removal:
    """A row's problem, or why there is none."""
    if raw.error:
        return Removal({"text": raw.text}, "unreadable", reason=raw.error, where=raw.where)
    fields = read_fields(raw.fields, opened.columns)
    if "id" not in fields:
        fields["id"] = f"{opened.prefix}{content_hash(fields)}"
        if fields["id"] in ids.places:
            return Removal(raw.fields, "duplicate", fields["id"], where=raw.where)
    try:
        whole = {**fields, "answer": answer_of(fields)}
        problem = source_problem(whole, raw.where, opened.prefix)
        ids.add(problem.id, raw.where)
    except UserError as error:
        reason = str(error).removeprefix(f"{raw.where}: ")
        return Removal(raw.fields, "bad_row", reason=reason, where=raw.where)
    return replace(problem, **asdict(opened.provenance))


def drawn(opened: Opened, count: int, seed: int) -> set[str]:
    """The ids of `count` problems by seed.

    Raises:
        UserError: there are fewer.
    """
    ids = sorted(row.id for row in problems_of(opened, Ids()) if isinstance(row, Problem))
    if count > len(ids):
        raise UserError(f"{opened.files[0][1]}: asked for {count} problems, has {len(ids)}")
    return set(random.Random(seed).sample(ids, count))
