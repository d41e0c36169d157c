"""The records of an exam's layout: pieces of text on a page, and the lines that they make."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HARD = "\u2060"  # no space follows, where lines are joined


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text on one baseline, as the text layer or OCR gives it.

    Attributes:
        text: what it says; "" for a part of a tall bracket.
        x0, x1: its left and right end, in points or pixels.
        base: its baseline, in the same unit, downwards from the top of the page.
        top, bottom: its upper and lower edge.
        size: of its letters (the font's size).
        bold: whether it is printed bold.
        lost: why its formulas cannot be trusted; "" if they can.
    """

    text: str
    x0: float
    x1: float
    base: float
    top: float
    bottom: float
    size: float
    bold: bool = False
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and how it stands on its page.

    Attributes:
        text: what it says.
        page: from 1.
        x, y: where it begins, as a share of the page's width and height.
        indent: distance from the column's left edge, in letter sizes.
        gap: distance from the line above, in usual distances; 0 for the first of a column.
        size: of its letters, as a multiple of the page's usual size.
        bold: whether it begins with bold letters.
        fresh: whether it begins a paragraph: after a gap or a line that ends early.
        lost: why its formulas cannot be trusted; "" if they can.
    """

    text: str
    page: int = 1
    x: float = 0.0
    y: float = 0.0
    indent: float = 0.0
    gap: float = 1.0
    size: float = 1.0
    bold: bool = False
    fresh: bool = True
    lost: str = ""


def plain_lines(text: str, page: int = 1, lost: str = "") -> list[Line]:
    """The lines of a text without a layout, such as a vision model's; blank lines are gaps."""
    lines: list[Line] = []
    gap = 0.0
    for row in text.splitlines():
        gap += 1
        if row.strip():
            indent = (len(row) - len(row.lstrip())) / 2
            lines.append(Line(row.strip(), page, indent=indent, gap=gap, lost=lost))
            gap = 0.0
    return lines


def hyphens_settled(lines: Sequence[Line]) -> list[Line]:
    """Lines whose hyphen at the end is written as "-" if it belongs to a compound.

    It does if the exam has both parts as words of their own, and not the whole.
    """
    undivided = re.sub(r"[a-z]+\u00ad\n[a-z]+", " ", text_of(lines).lower())
    known = set(re.findall(r"[a-z]+", undivided))
    found = list(lines)
    for place, line in enumerate(lines[:-1]):
        first = re.search(r"([A-Za-z]+)\u00ad$", line.text)
        second = re.match(r"[A-Za-z]+", lines[place + 1].text)
        if first and second:
            parts = first[1].lower(), second[0].lower()
            if "".join(parts) not in known and known >= set(parts) and len(min(parts, key=len)) > 2:
                text = f"{line.text[:-1]}-{HARD}"
                found[place] = dataclasses.replace(line, text=text)
    return found


def joined(lines: Iterable[str]) -> str:
    """Lines as one, without the hyphens of words that were divided between two."""
    text = " ".join(line.strip() for line in lines if line.strip())
    text = re.sub(rf"[\u00ad{HARD}]\s*", "", text)
    wide = r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]"
    return re.sub(rf"(?<={wide}) (?={wide})", "", re.sub(r"[ \t]+", " ", text)).strip()


def text_of(lines: Sequence[Line]) -> str:
    """The text of some lines, line by line."""
    return "\n".join(line.text for line in lines)
