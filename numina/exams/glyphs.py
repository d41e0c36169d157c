"""The text layer of a PDF page, glyph by glyph: pieces of text with their place.

Superscripts and subscripts are told by their size and height and written as ``^{...}`` and
``_{...}``. What a line of text cannot say (a fraction, a root, a tall bracket, a glyph without a
letter) marks its piece as lost.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numina.exams.content import extent, pictures, raw_glyphs, strokes, turner
from numina.exams.line import Piece

SCRIPT = 0.82  # glyphs smaller than this share of their line's are scripts
SPACE = 0.18  # of the size: a wider gap is a space
THIN = 0.1  # of the size: a narrower gap behind a slanted letter of a formula is its lean
APART = 1.5  # of the size: a wider gap ends a piece
OVERSTRUCK = {"\u0338=": "≠", "\u0338∈": "∉", "\u0338≡": "≢", "\u0338⊂": "⊄"}


class Glyph(NamedTuple):
    """One glyph; `y` goes down from the top of the page, `spaced` if a space is before it,
    `doubted` if that is pdfium's guess, behind a letter of a formula."""

    char: str
    x0: float
    x1: float
    y: float
    top: float
    bottom: float
    size: float
    bold: bool
    spaced: bool
    doubted: bool
    broken: bool


class Rule(NamedTuple):
    """A thin horizontal stroke, such as the bar of a fraction."""

    x0: float
    x1: float
    y: float


@dataclass(slots=True)
class Run:
    """A piece that is being read."""

    glyphs: list[tuple[Glyph, int]] = field(default_factory=list)  # each with -1, 0 or 1: its rise
    lost: str = ""

    @property
    def first(self) -> Glyph:
        return self.glyphs[0][0]

    @property
    def end(self) -> float:
        return max(glyph.x1 for glyph, _ in self.glyphs[-6:])


def pieces_of(page: Any) -> tuple[list[Piece], float, float]:
    """The pieces of a page's text layer, in the order of its content, turned upright.

    Args:
        page: of pypdfium2.

    Returns:
        the pieces, and the page's width and height as its text is read, in points.
    """
    textpage = page.get_textpage()
    marks = list(raw_glyphs(textpage))
    angles = Counter(angle for *_, angle in marks)
    angle = angles.most_common(1)[0][0] if angles else 0
    turn = turner(page, angle)
    glyphs = [glyph_of(mark, turn) for mark in marks if mark[-1] == angle]
    rules = [turn_rule(rule, turn) for rule in strokes(page)]
    width, height = extent(page) if angle in (0, 180) else extent(page)[::-1]
    rules = [rule for rule in rules if rule.x1 - rule.x0 < width / 2]
    found = [piece_of(run, rules) for run in runs(glyphs)]
    return found + [picture(edges, turn) for edges in pictures(page)], width, height


def picture(edges: tuple[float, float, float, float], turn: Any) -> Piece:
    """A picture as a piece whose text is not known."""
    ends = turn(edges[0], edges[1]), turn(edges[2], edges[3])
    (x0, x1), (y0, y1) = sorted(x for x, _ in ends), sorted(y for _, y in ends)
    size = min(12.0, y1 - y0)
    return Piece("[?]", x0, x1, y1 - 0.2 * size, y0, y1, size, lost="picture")


def glyph_of(mark: tuple[Any, ...], turn: Any) -> Glyph:
    """A glyph in upright coordinates."""
    char, (left, right, bottom, top), origin, size, bold, spaced, doubted, broken, _ = mark
    ends = turn(left, bottom), turn(right, top)
    (xa, xb), (ya, yb) = sorted(x for x, _ in ends), sorted(y for _, y in ends)
    y = turn(*origin)[1]
    return Glyph(char, xa, xb, y, ya, yb, size or 1.0, bold, spaced, doubted, broken)


def turn_rule(edges: tuple[float, float, float, float], turn: Any) -> Rule:
    """A stroke in upright coordinates; one that is upright there has no width."""
    (xa, ya), (xb, yb) = turn(edges[0], edges[1]), turn(edges[2], edges[3])
    return Rule(min(xa, xb), max(xa, xb), (ya + yb) / 2)


def runs(glyphs: Sequence[Glyph]) -> list[Run]:
    """Glyphs that stand on one baseline, with the scripts beside them."""
    found: list[Run] = []
    for glyph in glyphs:
        rise = position(found[-1], glyph) if found else None
        if rise is None:
            found.append(Run())
        run = found[-1]
        if glyph.broken or glyph.char == "√":
            run.lost = run.lost or ("unmapped" if glyph.broken else "root")
        if rise == 0 and run.glyphs[-1][1] == 0:
            before = run.glyphs[-1][0]
            if overstruck(before, glyph):
                run.lost = run.lost or "overstruck"
        run.glyphs.append((glyph, rise or 0))
    return found


def overstruck(before: Glyph, glyph: Glyph) -> bool:
    """Whether a glyph is printed on the one before, and the two have no sign of their own.

    The letters of a ligature share a place, and a word printed twice looks bold.
    """
    wide = max(glyph.x1 - glyph.x0, before.x1 - before.x0)
    pair = before.char + glyph.char
    return (
        before.x1 - glyph.x0 > 0.5 * wide
        and pair not in OVERSTRUCK
        and not (before.char.isalpha() and glyph.char.isalpha())
        and before.char not in ("\u00ad", glyph.char)
    )


def position(run: Run, glyph: Glyph) -> int | None:
    """Where a glyph continues a run: 0 on its baseline, 1 above, -1 below; None if it does not."""
    first = run.first
    size = first.size
    ahead, rise = glyph.x0 - run.end, first.y - glyph.y
    on_line = abs(rise) < 0.12 * size and glyph.size > SCRIPT * size
    if on_line and -1.2 * size < ahead < APART * size and glyph.size < size / SCRIPT:
        return 0
    low, high = -0.55 * size, 0.8 * size
    if glyph.size <= SCRIPT * size and -1.5 * size < ahead < 0.6 * size and low < rise < high:
        return 1 if rise > 0.12 * size else -1
    return None


def piece_of(run: Run, rules: Sequence[Rule]) -> Piece:
    """A run as text."""
    first, size = run.first, run.first.size
    glyphs = [glyph for glyph, _ in run.glyphs]
    x0, x1 = min(glyph.x0 for glyph in glyphs), max(glyph.x1 for glyph in glyphs)
    lost = run.lost
    for rule in rules:
        beside = rule.x0 < x1 + 0.3 * size and rule.x1 > x0 - 0.3 * size
        if beside and 0.1 * size < first.y - rule.y < 0.95 * size and rule.x1 - rule.x0 > 1:
            lost = lost or "rule"  # of a fraction, a root or an overline
    level = [glyph for glyph, rise in run.glyphs if rise == 0]
    brackets = all(glyph.broken for glyph in glyphs)
    return Piece(
        text="" if brackets else written([pair for pair in run.glyphs if not pair[0].broken]),
        x0=x0,
        x1=x1,
        base=first.y,
        top=min(glyph.top for glyph in glyphs),
        bottom=max(glyph.bottom for glyph in glyphs),
        size=size,
        bold=sum(glyph.bold for glyph in level[:6]) > len(level[:6]) / 2,
        lost=lost,
    )


def written(glyphs: Sequence[tuple[Glyph, int]]) -> str:
    """The text of a run, its scripts in TeX's signs."""
    text, script, level = "", "", 0
    before: Glyph | None = None
    for glyph, rise in glyphs:
        gap = glyph.x0 - before.x1 if before else -math.inf
        least = THIN * glyph.size if glyph.doubted else -0.5
        spaced = gap > SPACE * glyph.size or (glyph.spaced and gap > least)
        if rise != level:
            text, script = text + scripted(script, level), ""
        if rise:
            script += glyph.char
        else:
            text += (" " if spaced else "") + glyph.char
        level, before = rise, glyph
    text += scripted(script, level)
    for pair, sign in OVERSTRUCK.items():
        text = text.replace(pair, sign)
    return text


def scripted(script: str, level: int) -> str:
    """A script in TeX's signs; primes and degrees need none."""
    if not script or not level or set(script) <= set("′″°'*"):
        return script.replace("′", "'")
    sign = "^" if level > 0 else "_"
    return sign + (script if len(script) == 1 else "{" + script + "}")
