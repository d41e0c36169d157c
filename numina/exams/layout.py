"""From pieces of text on a page to its lines, in the order in which they are read.

Pieces of one baseline make a line; in two columns the left one is read first. Pieces that stand
above each other closer than lines do, such as a fraction, a matrix or the limits of a sum, are
marked as lost: no line of text says what they say.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from itertools import pairwise

from numina.exams.line import Line, Piece

SAME_LINE = 0.3  # of the size: baselines this near are one
STACKED = 1.0  # of the size: baselines nearer than this are stacked
LEADING = 1.15  # of the size: lines of prose are at least so far apart
NEAR = 2.5  # of the size: how far beside each other stacked pieces may be
FRESH_GAP = 1.25  # usual distances between lines
COLUMN_LINES = 8  # that each of two columns must have, at least
BRACKET = "tall bracket"  # why a piece is lost
ACROSS = 0.1  # of the pieces may cross the space between two columns


def arranged(pieces: Sequence[Piece], page: int, width: float, height: float) -> list[Line]:
    """The lines of a page.

    Args:
        pieces: of its text.
        page: its number, from 1.
        width, height: of the page, in the unit of the pieces.
    """
    pieces = without_brackets(pieces)
    if not pieces:
        return []
    lines: list[Line] = []
    for column in columns(pieces, width):
        lines += column_lines(column, page, width, height)
    return lines


def without_brackets(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces with a text; what is beside a part of a tall bracket is lost."""
    tall = [piece for piece in pieces if not piece.text.strip()]
    return [
        dataclasses.replace(piece, lost=BRACKET)
        if not piece.lost and any(beside(piece, bracket) for bracket in tall)
        else piece
        for piece in pieces
        if piece.text.strip()
    ]


def beside(piece: Piece, bracket: Piece) -> bool:
    """Whether a piece stands left or right of a part of a bracket."""
    middle = piece.base - 0.3 * piece.size
    return bracket.top < middle < bracket.bottom and near(piece, bracket)


def near(one: Piece, other: Piece) -> bool:
    """Whether two pieces are above or next to each other."""
    reach = NEAR * min(one.size, other.size)
    return one.x0 < other.x1 + reach and other.x0 < one.x1 + reach


def columns(pieces: Sequence[Piece], width: float) -> list[list[Piece]]:
    """The parts of a page in the order in which they are read: one, or what stands above two
    columns, these, and what stands below."""
    gap = gutter(pieces, width)
    if gap is None:
        return [list(pieces)]
    crossing = [piece for piece in pieces if piece.x0 < gap < piece.x1]
    parted = [piece for piece in pieces if not piece.x0 < gap < piece.x1]
    first, last = min(piece.base for piece in parted), max(piece.base for piece in parted)
    middle = (first + last) / 2
    above = [piece for piece in crossing if piece.base < middle]
    below = [piece for piece in crossing if piece.base >= middle]
    until = max((piece.base for piece in above), default=first - 1)
    since = min((piece.base for piece in below), default=last + 1)
    parts = [
        [piece for piece in pieces if piece.base <= until],
        [piece for piece in pieces if until < piece.base < since and piece.x1 <= gap],
        [piece for piece in pieces if until < piece.base < since and piece.x0 >= gap],
        [piece for piece in pieces if piece.base >= since],
    ]
    return [part for part in parts if part]


def gutter(pieces: Sequence[Piece], width: float) -> float | None:
    """The middle of the space between two columns of prose; None for a page of one."""
    prose = [piece for piece in pieces if piece.x1 - piece.x0 > 0.15 * width]
    best: tuple[int, float] | None = None
    for share in range(40, 61):
        x = width * share / 100
        crossing = sum(piece.x0 < x < piece.x1 for piece in pieces)
        sides = sum(piece.x1 <= x for piece in prose), sum(piece.x0 >= x for piece in prose)
        if min(sides) >= COLUMN_LINES and crossing <= ACROSS * len(pieces):
            best = min(best or (crossing, x), (crossing, x))
    return best[1] if best else None


def column_lines(pieces: Sequence[Piece], page: int, width: float, height: float) -> list[Line]:
    """The lines of one column."""
    rows = after_their_line(marked(rows_of(pieces)))
    usual_size = median_by_length([piece for row in rows for piece in row])
    left = left_edge(rows, usual_size)
    right = max(piece.x1 for row in rows for piece in row)
    bases = [main(row).base for row in rows]
    steps = [after - before for before, after in pairwise(bases)]
    steps = sorted(step for step in steps if step > 0.9 * usual_size) or [1.2 * usual_size]
    usual = steps[len(steps) // 4]  # most are inside of paragraphs
    lines: list[Line] = []
    for place, row in enumerate(rows):
        gap = (bases[place] - bases[place - 1]) / usual if place else 0.0
        above = rows[place - 1] if place else None
        short = above is None or max(p.x1 for p in above) < right - 3 * usual_size
        lines.append(
            Line(
                text=row_text(row),
                page=page,
                x=row[0].x0 / width,
                y=bases[place] / height,
                indent=(row[0].x0 - left) / usual_size,
                gap=gap,
                size=main(row).size / usual_size,
                bold=row[0].bold,
                fresh=short or gap > FRESH_GAP,
                lost=next((piece.lost for piece in row if piece.lost), ""),
            )
        )
    return lines


def rows_of(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces of one baseline, from left to right; rows from top to bottom."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (-round(piece.size), piece.base)):
        fits = [row for row in rows if on_line(piece, row)]
        if fits:
            min(fits, key=lambda row: abs(main(row).base - piece.base)).append(piece)
        else:
            rows.append([piece])
    return sorted(
        (sorted(row, key=lambda piece: piece.x0) for row in rows), key=lambda row: main(row).base
    )


def on_line(piece: Piece, row: Sequence[Piece]) -> bool:
    """Whether a piece belongs to a row: it has its baseline, and nothing else is there."""
    apart = abs(main(row).base - piece.base)
    if apart >= SAME_LINE * max(piece.size, main(row).size):
        return False
    middle = (piece.x0 + piece.x1) / 2
    return not any(
        other.x0 < middle < other.x1 or piece.x0 < (other.x0 + other.x1) / 2 < piece.x1
        for other in row
    )


def main(row: Sequence[Piece]) -> Piece:
    """The piece of a row that says where it stands: the longest."""
    return max(row, key=lambda piece: (piece.x1 - piece.x0) * piece.size)


def marked(rows: Sequence[list[Piece]]) -> list[list[Piece]]:
    """Rows in which stacked pieces are marked as lost."""
    found = [list(row) for row in rows]
    for place, row in enumerate(rows):
        for below in range(place + 1, len(rows)):
            if main(rows[below]).base - main(row).base > 3 * main(row).size:
                break
            for one, piece in enumerate(row):
                for two, other in enumerate(rows[below]):
                    apart = abs(other.base - piece.base)
                    if apart < STACKED * max(piece.size, other.size) and near(piece, other):
                        found[place][one] = with_mark(found[place][one])
                        found[below][two] = with_mark(found[below][two])
    return found


def after_their_line(rows: Sequence[list[Piece]]) -> list[list[Piece]]:
    """Rows with the upper parts of formulas behind the line of prose that they belong to."""
    ordered = list(rows)
    for place in range(len(rows) - 2, -1, -1):
        row = ordered[place]
        if words(row) > 1 or not all(piece.lost for piece in row):
            continue
        for below in range(place + 1, min(place + 3, len(rows))):
            other = ordered[below]
            if main(other).base - main(row).base > 1.5 * main(other).size:
                break
            divided = row_text(other).endswith("\u00ad")  # the rest of its word comes next
            if words(other) < 2 or divided or is_own_line(row, other):
                continue
            if any(piece.lost for piece in other):
                ordered.insert(below, ordered.pop(place))
                break
    return ordered


def is_own_line(row: Sequence[Piece], other: Sequence[Piece]) -> bool:
    """Whether a row with a word is a line of prose, not the upper part of a formula in another: it
    is as far above that as lines are, and not beside a tall bracket."""
    apart = main(other).base - main(row).base >= LEADING * main(other).size
    return words(row) > 0 and apart and all(piece.lost != BRACKET for piece in row)


def words(row: Sequence[Piece]) -> int:
    """How many words of prose a row holds, or Chinese characters."""
    return len(re.findall(r"[A-Za-z]{3,}|[\u3400-\u9fff]", row_text(row)))


def with_mark(piece: Piece) -> Piece:
    """A piece that is stacked with another."""
    return dataclasses.replace(piece, lost=piece.lost or "stacked")


def row_text(row: Sequence[Piece]) -> str:
    """The text of a row, from left to right."""
    text = row[0].text
    for before, piece in pairwise(row):
        text += ("" if piece.x0 - before.x1 < 0.1 * piece.size else " ") + piece.text
    return text.strip()


def median_by_length(pieces: Sequence[Piece]) -> float:
    """The size that most of the text has."""
    ordered = sorted(pieces, key=lambda piece: piece.size)
    total, seen = sum(len(piece.text) for piece in pieces), 0
    for piece in ordered:
        seen += len(piece.text)
        if 2 * seen >= total:
            return piece.size
    return ordered[-1].size


def left_edge(rows: Sequence[Sequence[Piece]], size: float) -> float:
    """Where most lines that are not indented begin: the leftmost place that several share."""
    starts = sorted(row[0].x0 for row in rows)
    for start in starts:
        if sum(abs(other - start) < 0.5 * size for other in starts) >= min(3, len(starts)):
            return start
    return starts[0]
