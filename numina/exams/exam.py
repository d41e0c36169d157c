"""From exam files to problems: read the pages, cut them, and leave out what cannot be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.exams.cutting import cut_exam
from numina.exams.furniture import without_furniture
from numina.exams.line import Line
from numina.exams.pages import Page, Reader, UnreadableExam, read_exam
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import existing

SHOWN = 80  # characters of a page's text in the list of pages


def exam_files(folder: Path) -> list[Path]:
    """The PDFs of a folder.

    Raises:
        UserError: there is no such folder.
    """
    return sorted(file for file in existing(folder).iterdir() if file.suffix.lower() == ".pdf")


def read_all(
    files: Sequence[Path], reader: Reader, read: Callable[[Page], object]
) -> Iterator[Problem | Removal]:
    """The problems of exams, those whose formulas are lost, and files that cannot be read.

    Args:
        files: PDFs.
        reader: how pages are read.
        read: called with each page.

    Raises:
        UserError: with `on_bad_file: fail`, a file cannot be read; the vision model's server
            cannot be reached.
    """
    for file in files:
        try:
            pages = []
            for page in read_exam(file, reader):
                read(page)
                pages.append(page.lines)
        except UnreadableExam as error:
            if reader.params.on_bad_file == "fail":
                raise UserError(f"{file}: {error}") from None
            yield Removal({"file": file.name}, "unreadable", reason=str(error), where=str(file))
            continue
        yield from problems_of(pages, file.name)


def problems_of(pages: Sequence[Sequence[Line]], name: str) -> Iterator[Problem | Removal]:
    """The problems on the pages of one exam."""
    lines = [line for page in without_furniture(pages) for line in page]
    for problem, lost in cut_exam(lines, name):
        yield Removal(problem, "formulas_lost", reason=lost) if lost else problem


def shown(page: Page) -> dict[str, Any]:
    """A page as it is listed: without its lines, and with the beginning of its text."""
    row = dataclasses.asdict(dataclasses.replace(page, lines=(), text=page.text[:SHOWN]))
    return {key: value for key, value in row.items() if key != "lines"}
