r"""The form of an answer: a formula, a pair, an interval, a set, a matrix, an equation, ...

Pure text work: what the parts are worth is for `symbolic` to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from numina.answer.measure import take_unit
from numina.answer.normalise import unstyled

OPENING, CLOSING = "([{", ")]}"
AND = re.compile(
    r"(?:,|;)?\s*(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])\s*|(?<=[\d)])(?:or|and)(?=[(\dA-Za-z])"
)
AND_STYLED = re.compile(r",?\s*\\(?:text|mathrm|mbox|textbf)\s*\{\s*,?\s*(?:and|or)\s*\}\s*")
RELATION = re.compile(r"\\(?:le|ge|ne|in)(?![a-z])|[=<>]")
SUBSCRIPT = r"(?:_(?:\w|\\[a-z]+|\{[^{}]*\}))?"
ATOM = rf"(?:\\?[A-Za-z]+{SUBSCRIPT}'*)"
NAME = re.compile(
    rf"{ATOM}|{ATOM}\([^()]*\)|\|[A-Z]{{2}}\||\\frac\{{[A-Z]{{2,}}\}}\{{[A-Z]{{2,}}\}}|[A-Z]+/[A-Z]+"
    rf"|\\(?:angle|triangle|overline|vec){{?[A-Za-z]+}}?|\(?{ATOM}(?:,{ATOM})+\)?"
    rf"|{ATOM}(?::{ATOM})+|[A-Z]{{2,}}"
)
NOT_A_NAME = re.compile(
    r"\\?(?:sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|pi|infty|frac[^{].*|arc\w+|e|i)\b"
)
MATRIX = re.compile(r"\\begin\{([pbvBV]?matrix|array)\}(?:\{[^{}]*\})?(.*)\\end\{\1\}", re.S)
BUILDER = re.compile(r"\s*[a-z]\s*(?:\\in\s*R\s*)?(?:\||:)\s*(.*)", re.S)
THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?=\s*(?:\\[a-zA-Z]|[a-zA-Z]))")
TIME = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?\s*(?:([ap])\.?\s?m\.?)?", re.I)


@dataclass(frozen=True, slots=True)
class Shape:
    r"""A part of an answer.

    Attributes:
        kind: ``formula``; ``list`` (bare commas) and ``set``, whose order is free; ``pair`` in
            round or square brackets, which may be an interval; ``union``; ``matrix``, of ``row``;
            ``chain`` of relations; ``ratio``.
        text: of a formula; of a pair, its two brackets; of a chain, its signs, spaced.
        items: the parts.
    """

    kind: str
    text: str = ""
    items: tuple[Shape, ...] = ()


def read_shape(text: str) -> Shape:
    r"""The form of a cleaned answer; what follows ``\approx`` is left out."""
    text = re.split(r"\\approx(?![a-z])", text)[0].strip()
    text = THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    text = AND.sub(" , ", AND_STYLED.sub(" , ", text))
    parts = [part for part in split(text, ",;") if part.strip()]
    if len(parts) > 1:
        return listed([read_shape(part) for part in parts])
    text = parts[0].strip() if parts else ""
    text = take_unit(unstyled(take_unit(text)[0]))[0]
    if match := TIME.fullmatch(text):
        return Shape("ratio", "time", time_parts(match))
    signs = [match for match in RELATION.finditer(text) if depth_at(text, match.start()) == 0]
    if signs:
        return read_chain(text, signs)
    pieces = split_word(text, r"\\cup(?![a-z])")
    if len(pieces) > 1:
        return Shape("union", items=tuple(map(read_shape, pieces)))
    if len(ratio := split(text, ":")) > 1:
        return Shape("ratio", items=tuple(map(read_shape, ratio)))
    return read_bracketed(text)


def read_chain(text: str, signs: Sequence[re.Match[str]]) -> Shape:
    cuts = [0, *(end for match in signs for end in match.span()), len(text)]
    terms = [text[cuts[i] : cuts[i + 1]].strip() for i in range(0, len(cuts), 2)]
    return Shape("chain", " ".join(match[0] for match in signs), tuple(map(read_shape, terms)))


def read_bracketed(text: str) -> Shape:
    if match := MATRIX.fullmatch(text.strip("()[] ")) or MATRIX.fullmatch(text):
        rows = [row for row in re.split(r"\\\\", match[2].replace(r"\hline", "")) if row.strip()]
        cells = [Shape("row", items=tuple(map(read_shape, row.split("&")))) for row in rows]
        return Shape("matrix", items=tuple(cells))
    braces = re.fullmatch(r"\\\{(.*)\\\}", text, re.S) or re.fullmatch(r"\{(.*)\}", text, re.S)
    if braces and whole(text):
        if rule := BUILDER.fullmatch(braces[1]):
            return read_shape(rule[1])
        return Shape("set", items=flat(read_shape(braces[1])))
    if len(text) > 2 and text[0] in "([" and text[-1] in ")]" and whole(text):
        inner = split(text[1:-1], ",;")
        if len(inner) > 1:
            return Shape("pair", text[0] + text[-1], tuple(map(read_shape, inner)))
        if text[0] + text[-1] == "()" and (MATRIX.search(text) or RELATION.search(text)):
            return read_shape(text[1:-1])
    if re.search(r"\\[pm]{2}(?![a-z])", text):
        both = text.replace(r"\pm", "+").replace(r"\mp", "-")
        other = text.replace(r"\pm", "-").replace(r"\mp", "+")
        return Shape("list", items=(read_bracketed(both), read_bracketed(other)))
    return Shape("formula", text)


def listed(items: Sequence[Shape]) -> Shape:
    """A list, flat."""
    return Shape("list", items=tuple(part for item in items for part in flat(item)))


def flat(shape: Shape) -> tuple[Shape, ...]:
    return shape.items if shape.kind == "list" else (shape,)


def time_parts(match: re.Match[str]) -> tuple[Shape, ...]:
    hour, half = int(match[1]), (match[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    parts = [hour, int(match[2]), int(match[3] or 0)]
    return tuple(Shape("formula", str(part)) for part in parts)


def is_name(shape: Shape) -> bool:
    r"""Whether a side of an equation only names the other: ``x``, ``f(x)``, ``|AB|``."""
    text = spelled(shape)
    return bool(NAME.fullmatch(text)) and not NOT_A_NAME.match(text)


def spelled(shape: Shape) -> str:
    """The text of a shape, without spaces, as far as a name can have it."""
    if shape.kind == "formula":
        return re.sub(r"\s", "", shape.text)
    if shape.kind == "pair":
        return shape.text[0] + ",".join(map(spelled, shape.items)) + shape.text[1]
    if shape.kind == "ratio":
        return ":".join(map(spelled, shape.items))
    return "?"


def depth_at(text: str, end: int) -> int:
    depth = 0
    for position in range(end):
        depth += text[position] in OPENING
        depth -= text[position] in CLOSING
    return depth


def whole(text: str) -> bool:
    """Whether the bracket that opens a text is closed by its last character."""
    depth = 0
    for position, sign in enumerate(text):
        depth += sign in OPENING
        depth -= sign in CLOSING
        if depth == 0 and position and position < len(text) - 1 and sign in CLOSING:
            return False
    return depth == 0


def split(text: str, signs: str) -> list[str]:
    """The parts of a text between signs that stand in no bracket and no matrix."""
    if any(sign in text for sign in signs):
        text = re.sub(r"\\begin|\\end", lambda m: m[0] + ("\0(" if "b" in m[0] else "\0)"), text)
        parts, depth = [""], 0
        for sign in text:
            depth += sign in OPENING
            depth -= sign in CLOSING
            if depth == 0 and sign in signs:
                parts.append("")
            else:
                parts[-1] += sign
        return [re.sub("\0[()]", "", part) for part in parts]
    return [text]


def split_word(text: str, pattern: str) -> list[str]:
    found = [match for match in re.finditer(pattern, text) if depth_at(text, match.start()) == 0]
    cuts = [0, *(end for match in found for end in match.span()), len(text)]
    return [text[cuts[i] : cuts[i + 1]] for i in range(0, len(cuts), 2)]
