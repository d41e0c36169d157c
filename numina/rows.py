"""Rows on disk: JSONL (gzip too), JSON objects and CSV, read with clear errors and written whole.

Keys are written in a fixed order, so that equal rows have equal hashes.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import errno
import fcntl
import gzip
import io
import json
import os
import secrets
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from numina.errors import UserError
from numina.records.problem import Problem

Record = TypeVar("Record")
TEXTS = ("source", "solution", "tools", "subject", "contest", "unsound")  # all may be ""
TEXTS += ("subsource", "revision", "licence", "url", "page")


def existing(file: Path) -> Path:
    """The file itself.

    Raises:
        UserError: it is missing.
    """
    if not file.exists():
        raise UserError(f"{file}: not found")
    return file


def read_lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, dict[str, Any]]]:
    """Read a ``.jsonl`` or ``.jsonl.gz`` file row by row, each with its line number, from 1.

    Blank lines hold no row, but are counted. A byte order mark at the start is skipped.

    Raises:
        UserError: the file is missing or unreadable, a line is not a JSON object in this encoding,
            or a gzip file is cut short or damaged, with the file and the line.
    """
    for number, line in numbered_lines(path, encoding):
        yield number, parse_row(line, f"{path}, line {number}", encoding)


def numbered_lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, bytes]]:
    """The lines of a ``.jsonl`` or ``.jsonl.gz`` file that are not blank, not decoded yet.

    Those of an encoding in which a line's end is more than one byte, such as UTF-16, are given in
    UTF-8.

    Raises:
        UserError: as `read_lines`, but for what a line holds.
    """
    number = 0
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(existing(path), "rb") as file:
            lines = file if is_of_bytes(encoding) else recoded(file, encoding)
            for number, line in enumerate(lines, 1):
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                if line.strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path}, line {number + 1}: damaged gzip file ({error})") from None
    except UnicodeError as error:
        raise UserError(f"{path}, line {number + 1}: not {encoding.upper()} ({error})") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None


def count_lines(path: Path) -> int:
    """The lines of a ``.jsonl`` or ``.jsonl.gz`` file, counted much faster than its rows are read.

    Raises:
        UserError: the file is missing or unreadable, or a gzip file is damaged.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(existing(path), "rb") as content:
            count, last = 0, b"\n"
            for part in iter(lambda: content.read(2**20), b""):
                count, last = count + part.count(b"\n"), part[-1:]
            return count + (last != b"\n")
    except (EOFError, zlib.error, OSError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None


def is_of_bytes(encoding: str) -> bool:
    """Whether a line ends with the byte of a line feed, as in all encodings but UTF-16 and -32."""
    return not codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


def recoded(file: Any, encoding: str) -> Iterator[bytes]:
    """The lines of a file in UTF-8."""
    with io.TextIOWrapper(file, encoding, newline="\n") as text:
        for line in text:
            yield line.encode()


def parse_row(line: bytes, where: str, encoding: str = "utf-8") -> dict[str, Any]:
    """One line of a JSONL file, as `numbered_lines` gives it.

    Raises:
        UserError: it is not a JSON object in this encoding, or holds a lone surrogate, which UTF-8
            cannot.
    """
    try:
        row = json.loads(line.decode(encoding if is_of_bytes(encoding) else "utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: not {encoding.upper()} ({error})") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{where}: not JSON ({error})") from None
    except ValueError as error:  # an integer of more digits than Python reads
        raise UserError(f"{where}: cannot be read ({error})") from None
    if not isinstance(row, dict):
        raise UserError(f"{where}: {type(row).__name__}, not an object")
    if b"\\ud" in line.lower():
        refuse_surrogates(row, where)
    return row


def refuse_surrogates(row: Mapping[str, Any], where: str) -> None:
    """Refuse a row with a lone surrogate.

    Raises:
        UserError: it has one, with its place.
    """
    try:
        json.dumps(row, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: holds a lone surrogate ({error.reason})") from None


def read_rows(path: Path) -> list[dict[str, Any]]:
    """All rows of a ``.jsonl`` or ``.jsonl.gz`` file.

    Raises:
        UserError: as `read_lines`.
    """
    return [row for _, row in read_lines(path)]


def read_records(path: Path, kind: type[Record]) -> Iterator[tuple[int, Record]]:
    """Read the records of a file that a stage wrote, each with its line number.

    Raises:
        UserError: as `read_lines`, or a field is missing or of the wrong type, with the field.
    """
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(kind)
    for number, row in read_lines(path):
        try:
            yield number, adapter.validate_python(row)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            reason = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
            raise UserError(f"{path}, line {number}: field {field!r}: {reason}") from None


def read_problems(path: Path) -> list[Problem]:
    """All problems of a file.

    Raises:
        UserError: as `each_problem`.
    """
    return list(each_problem(path))


def each_problem(path: Path) -> Iterator[Problem]:
    """Read problems one by one; fields that `Problem` does not have are left out.

    Raises:
        UserError: as `read_lines` and `to_problem`, or an id occurs twice.
    """
    seen: dict[str, int] = {}
    for number, row in read_lines(path):
        problem = to_problem(row, f"{path}, line {number}")
        if problem.id in seen:
            raise UserError(
                f"{path}, line {number}: field 'id': {problem.id!r} is already in line "
                f"{seen[problem.id]}"
            )
        seen[problem.id] = number
        yield problem


def read_splits(folder: Path) -> dict[str, list[Problem]]:
    """The validation splits of a folder by name, each a ``.jsonl`` file with problems.

    Raises:
        UserError: there is none, or one is damaged or empty.
    """
    splits = {file.stem: read_problems(file) for file in sorted(folder.glob("*.jsonl"))}
    if not splits:
        raise UserError(f"{folder}: holds no splits (*.jsonl)")
    for name, problems in splits.items():
        if not problems:
            raise UserError(f"{folder / name}.jsonl: holds no problems")
    return splits


def to_problem(row: Mapping[str, Any], where: str) -> Problem:
    """A problem from the fields of a row; fields that are null count as missing.

    Raises:
        UserError: a missing or empty statement, or a field of the wrong type, with its place.
    """
    row = {key: value for key, value in row.items() if value is not None}
    for field in ("id", "problem", "answer"):
        if not isinstance(row.get(field), str):
            raise UserError(f"{where}: field {field!r} must be text, got {row.get(field)!r}")
    for field in ("id", "problem"):
        if not row[field].strip():
            raise UserError(f"{where}: field {field!r} is empty")
    level = row.get("level", 0)
    if not isinstance(level, int):
        raise UserError(f"{where}: field 'level' must be a whole number, got {level!r}")
    return Problem(
        id=row["id"],
        problem=row["problem"],
        answer=row["answer"],
        level=level,
        **{field: str(row.get(field, "")) for field in TEXTS},
    )


def read_object(file: Path, *fields: str) -> dict[str, Any]:
    """Read a JSON object that has these fields.

    Raises:
        UserError: it is missing, not a JSON object, or lacks a field.
    """
    try:
        found = json.loads(existing(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise UserError(f"{file}: {type(found).__name__}, not an object")
    for field in fields:
        if field not in found:
            raise UserError(f"{file}: field {field!r} is missing")
    return found


def write_rows(path: Path, rows: Iterable[Any]) -> None:
    """Write dataclass instances or dicts as JSONL, one by one, whole or not at all."""
    with written_rows(path) as write:
        for row in rows:
            write(row)


@contextmanager
def written_rows(path: Path) -> Iterator[Callable[[Any], None]]:
    """A function that adds a dataclass instance or a dict to a JSONL file.

    The file replaces the old one only once it is complete.

    Raises:
        UserError: as `written_whole`.
    """
    with written_whole(path) as file:

        def write(row: Any) -> None:
            plain = row if isinstance(row, dict) else dataclasses.asdict(row)
            file.write(json.dumps(plain, ensure_ascii=False, default=str) + "\n")

        yield write


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_csv(path: Path, fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write some fields of each row as CSV under a header, whole or not at all."""
    write_text(path, csv_text(fields, rows))


def csv_text(fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Some fields of each row as CSV, under a header."""
    text = io.StringIO()
    table = csv.DictWriter(text, fields, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with written_whole(path) as file:
        file.write(text)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[str]]:
    """A text file to write, which replaces the old one only once it is complete.

    A symbolic link is kept and its target is replaced. What is not a regular file, such as
    ``/dev/null``, a pipe or this process's standard output, is written to directly.

    Raises:
        UserError: it cannot be written, or the disk is full.
    """
    temporary, made = None, []
    try:
        target = followed(path)
        if is_open_here(target):
            with os.fdopen(os.dup(int(target.name)), "w", encoding="utf-8") as file:
                yield file
        elif target.exists() and not target.is_file():
            refuse_unwritable(path)
            with target.open("w", encoding="utf-8") as file:
                yield file
        else:
            made = [parent for parent in target.parents if not parent.exists()]
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".numina-{secrets.token_hex(8)}.tmp")
            with temporary.open("x", encoding="utf-8", newline="") as file:
                yield file
            put_in_place(temporary, target)
    except OSError as error:
        if error.filename not in (None, str(path), str(temporary)):
            raise  # an error of a file that the caller reads meanwhile
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)
        for folder in made:
            with suppress(OSError):  # it holds the file, or another's
                folder.rmdir()


def put_in_place(temporary: Path, target: Path) -> None:
    """Replace a file with a complete one and keep the old file's mode."""
    if target.exists():
        shutil.copymode(target, temporary)
    try:
        temporary.replace(target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        shutil.copyfile(temporary, target)  # a mounted file can be filled, not replaced


def check_output(path: Path, *inputs: Path) -> None:
    """Check before any work that a file can be written; its folder may be missing.

    Raises:
        UserError: it is a folder, a disk or an input, or it cannot be written.
    """
    try:
        refuse_unwritable(path)
        for file in inputs:
            if (
                path.exists()
                and file.exists()
                and path.samefile(file)
                and not path.is_char_device()
            ):
                raise UserError(f"{path}: is also the input {file}; choose another output")
        target = followed(path)
        if is_open_here(target):
            mode = fcntl.fcntl(int(target.name), fcntl.F_GETFL) & os.O_ACCMODE
            if mode == os.O_RDONLY:
                raise UserError(f"{path}: is open for reading only")
        elif target.is_file() or not target.exists():
            folder = next(parent for parent in target.parents if parent.exists())
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def refuse_unwritable(path: Path) -> None:
    """Refuse a path that cannot be an output.

    Raises:
        UserError: it is a folder, a disk, or a file that may not be written.
    """
    if path.is_dir():
        raise UserError(f"{path}: is a folder, not a file")
    if path.is_block_device():
        raise UserError(f"{path}: is a disk, not a file")
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"{path}: may not be written")


def followed(path: Path) -> Path:
    """The target of a path after its symbolic links.

    Links in a process's own folder of open files, to which ``/dev/stdout`` leads, are not followed:
    their text need not be a path.

    Raises:
        OSError: the links go in a circle.
    """
    for _ in range(40):
        try:
            path = path.parent.resolve() / path.name
        except RuntimeError:
            break
        if is_open_here(path) or not path.is_symlink():
            return path
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def is_open_here(path: Path) -> bool:
    """Whether a path names an open file of this process by its number."""
    return path.parent == Path(f"/proc/{os.getpid()}/fd") and path.name.isdigit()
