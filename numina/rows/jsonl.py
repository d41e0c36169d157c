"""JSONL (gzip too) and JSON objects, read with clear errors and written whole.

Keys are written in a fixed order, so that equal rows have equal hashes.
"""

from __future__ import annotations

import codecs
import dataclasses
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from numina.errors import UserError
from numina.rows.whole import written_whole

Record = TypeVar("Record")


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
