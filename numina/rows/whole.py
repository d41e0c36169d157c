"""Files written whole or not at all, and outputs checked before any work."""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from numina.errors import UserError


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


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which replaces the one at a path only once it is complete.

    Raises:
        UserError: it cannot be written, or the disk is full.
    """
    temporary, made = path.with_name(f".numina-{secrets.token_hex(8)}.tmp"), []
    try:
        made = [parent for parent in path.parents if not parent.exists()]
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            old = temporary.with_suffix(".old")
            path.rename(old)
            temporary.rename(path)
            shutil.rmtree(old)
        else:
            temporary.rename(path)
    except OSError as error:
        about = Path(str(error.filename or path))
        if not (about.is_relative_to(path.parent) or path.is_relative_to(about)):
            raise  # an error of a file that the caller reads meanwhile
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in made:
            with suppress(OSError):  # it holds the folder, or another's
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
