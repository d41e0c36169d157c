"""What a page carries beside its text: running headers, page numbers, boxes for marks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from numina.exams.line import Line

EDGE = 0.12  # of a page's height: where headers and footers are
REPEATED = 0.6  # of the pages: a text at the same place on so many is not an exam's
NEAR = 0.015  # of the page: the same place
LEAST_PAGES = 3
PAGE_NUMBER = re.compile(
    r"(?:page|p\.|第|[-–—(]|\s)*(?P<number>\d{1,4})"
    r"(?:\s*(?:of|/|页|共|第|[-–—)]|,|，|\d{1,4}|\s)*)",
    re.I,
)
# Boxes for marks and the lines for a name on Chinese papers.
FORM = re.compile(r"(?:得\s*分|评\s*分|评\s*卷\s*人|阅\s*卷\s*人|阅卷(?:教|老)师|复核人)[:：]?")
NAME_LINE = re.compile(r"(?:(?:姓名|学号|班级|专业|年级|成绩|考号|座位号|学院|系别)\s*[:：_\s]*)+")
BOX_BEFORE = re.compile(rf"^(?:{FORM.pattern}\s*)+(?=\S)")


def without_furniture(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The lines of each page that are the exam's text."""
    repeated = repeated_texts(pages)
    kept = []
    for lines in pages:
        rows = []
        for line in lines:
            text = BOX_BEFORE.sub("", line.text)
            if FORM.fullmatch(text) or NAME_LINE.fullmatch(text) or is_repeated(line, repeated):
                continue
            if is_page_number(line, lines):
                continue
            rows.append(line if text == line.text else replaced(line, text))
        kept.append(rows)
    return kept


def replaced(line: Line, text: str) -> Line:
    """A line with another text."""
    import dataclasses

    return dataclasses.replace(line, text=text)


def plain(text: str) -> str:
    """A text without its numbers, which change from page to page."""
    return re.sub(r"\d+", "#", re.sub(r"\s+", "", text))


def repeated_texts(pages: Sequence[Sequence[Line]]) -> list[Line]:
    """One line of each text that stands at the same place on most pages."""
    if len(pages) < LEAST_PAGES:
        return []
    places: dict[str, list[Line]] = defaultdict(list)
    for lines in pages:
        for line in lines:
            places[plain(line.text)].append(line)
    found = []
    for lines in places.values():
        for line in lines:
            there = {other.page for other in lines if same_place(line, other)}
            exact = all(other.text == line.text for other in lines)
            if len(there) >= REPEATED * len(pages) and (exact or at_edge(line)):
                found.append(line)
                break
    return found


def same_place(line: Line, other: Line) -> bool:
    return abs(line.y - other.y) < NEAR and abs(line.x - other.x) < 3 * NEAR


def at_edge(line: Line) -> bool:
    return not EDGE < line.y < 1 - EDGE


def is_repeated(line: Line, repeated: Sequence[Line]) -> bool:
    """Whether a line is a running header or footer."""
    return any(
        plain(line.text) == plain(other.text) and same_place(line, other) for other in repeated
    )


def is_page_number(line: Line, lines: Sequence[Line]) -> bool:
    """Whether a line holds only a page's number, at its upper or lower end."""
    if not PAGE_NUMBER.fullmatch(line.text) or not at_edge(line):
        return False
    ys = [other.y for other in lines if other is not line]
    return not ys or line.y > max(ys) or line.y < min(ys)
