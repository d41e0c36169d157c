"""Mathematics in a text, as MathML that browsers render without help.

The text is untrusted. A formula becomes a tree of the elements and attributes named here and
nothing else (latex2mathml itself passes links, styles and markup on), and the page builds it node
by node, never from markup. A formula that does not convert is shown as its source.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from numina.answer.braces import closing

Tree = list[Any]  # [tag, {attribute: value} where there are any, child or text, ...]
Piece = str | int  # text as it stands, or the number of a formula

LONGEST = 1500  # characters of a formula, above which its source is shown
DEEPEST = 40  # elements inside each other
CHILDREN = {
    "mfrac": 2,
    "mroot": 2,
    "msub": 2,
    "msup": 2,
    "munder": 2,
    "mover": 2,
    "msubsup": 3,
    "munderover": 3,
}
TAGS = {
    *CHILDREN,
    *("mi", "mn", "mo", "ms", "mtext", "mspace", "mrow", "mstyle", "mpadded", "mphantom", "msqrt"),
    *("mtable", "mtr", "mtd"),
}
ATTRIBUTES = {
    *("mathvariant", "stretchy", "fence", "form", "accent", "accentunder", "lspace", "rspace"),
    *("minsize", "maxsize", "linethickness", "displaystyle", "scriptlevel", "largeop"),
    *("movablelimits", "width", "height", "depth", "columnalign"),
}
VALUE = re.compile(r"[\w.+-]+( [\w.+-]+)*")
# Inline dollars by pandoc's rule: no space inside them, no digit after, so that prices stay text.
MATHS = re.compile(
    r"""
    \$\$(?P<display>(?:\\.|[^$\\])+?)\$\$
    | \\\[(?P<bracket>.{1,1500}?)\\\]
    | \\\((?P<paren>.{1,1500}?)\\\)
    | (?P<env>\\begin\{(?P<name>(?:align|gather|equation|eqnarray|multline|array)\*?)\}
        .{1,1500}?\\end\{(?P=name)\})
    | (?<!\\)\$(?=\S)(?P<inline>(?:\\.|(?!\n\s*\n)[^$\\])+?)(?<=\S)\$(?!\d)
    | (?P<box>\\(?:boxed|fbox)\s*\{)
    """,
    re.S | re.X,
)


class Formulas:
    """The formulas of a page, each kept once."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, Tree | None]] = []
        self._numbers: dict[tuple[str, bool], int] = {}

    def number(self, source: str, display: bool) -> int:
        """The number of a formula, which is added where it is new."""
        key = source, display
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            self.rows.append((source, int(display), math_tree(source, display)))
        return self._numbers[key]


def typeset(text: str, formulas: Formulas) -> list[Piece]:
    """Cut a text into prose and formulas, which are put into `formulas`.

    Formulas stand between ``$``, ``$$``, ``\\(`` or ``\\[``, in an environment such as ``align``,
    or in a ``\\boxed{}`` of their own.
    """
    pieces: list[Piece] = []
    position = 0
    for start, end, source, display in found(text):
        pieces += [unescape(text[position:start]), formulas.number(source.strip(), display)]
        position = end
    pieces.append(unescape(text[position:]))
    return [piece for piece in pieces if piece != ""]


def found(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Each formula of a text: where it starts and ends, its source, whether on its own line."""
    position = 0
    while match := MATHS.search(text, position):
        position = match.end()
        kind = match.lastgroup if match.lastgroup != "name" else "env"
        if kind == "box":
            end = closing(text, match.end(), LONGEST)
            if end is None:
                continue
            position = end + 1
            yield match.start(), position, text[match.start() : position], False
        elif kind:
            yield match.start(), match.end(), match[kind], kind in ("display", "bracket", "env")


def unescape(text: str) -> str:
    """Prose as it is meant: LaTeX's escaped signs without their backslash."""
    return re.sub(r"\\([$%&#_])", r"\1", text)


def math_tree(source: str, display: bool = False) -> Tree | None:
    """The MathML of a formula as a tree; None where it does not convert."""
    from latex2mathml.converter import convert_to_element

    if len(source) > LONGEST:
        return None
    try:
        element = convert_to_element(
            re.sub(r"\\fbox\b", r"\\boxed", source), display="block" if display else "inline"
        )
        return tree_of(element)
    except Exception:  # LaTeX by a model: whatever the converter trips over, its source is shown
        return None


def tree_of(element: Element, depth: int = 0) -> Tree:
    """An element with what is inside it, only as far as it is known to be harmless.

    Raises:
        ValueError: it is no valid MathML, or holds a command that was not understood.
    """
    if depth > DEEPEST:
        raise ValueError("too deep")
    children = [tree_of(child, depth + 1) for child in element]
    tag = element.tag
    if tag == "menclose":  # which browsers no longer draw
        return ["mrow", {"class": "boxed"}, *children]
    if tag == "math":
        return ["math", *children]
    if tag not in TAGS or len(children) != CHILDREN.get(tag, len(children)):
        raise ValueError(f"{tag} with {len(children)} children")
    text = html.unescape(element.text or "")
    if text.startswith("\\") and len(text) > 1:
        raise ValueError(f"unknown command {text}")
    known = {
        name: value
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and VALUE.fullmatch(value)
    }
    return [tag, *([known] if known else []), *([text] if text else []), *children]
