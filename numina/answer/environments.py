r"""Equations on lines of their own (``cases``, ``aligned``) as one line.

``\begin{cases} x=1 \\ y=2 \end{cases}`` is ``x=1, y=2``. A derivation in ``aligned``, whose lines
begin with a sign, is one chain. A function by cases stays: its lines have conditions.
"""

from __future__ import annotations

import itertools
import re

LINES = re.compile(
    r"(?:\\left)?\s*(?P<brace>\\\{|\\lbrace)?\s*"
    r"\\begin\{(?P<kind>cases|aligned|alignedat|align\*?|gathered|split|eqnarray\*?|array)\}"
    r"(?:\s*\{[^{}]*\})?(?P<body>(?:(?!\\begin|\\end).)*)\\end\{(?P=kind)\}\s*(?:\\right\s*\.)?[\s.,;]*",
    re.S,
)
RELATION = re.compile(r"[=<>]|\\(?:l|g|n)eq?(?:slant)?(?![a-z])|\\(?:in|equiv|approx)(?![a-z])")
SIGN = re.compile(rf"(?:{RELATION.pattern}|[-+])")


def unfolded(text: str) -> str:
    """A text with the lines of its environment joined, if that is all that it consists of."""
    match = LINES.fullmatch(text.strip())
    if match is None or (match["kind"] == "array" and not match["brace"]):
        return text
    rows = [row.strip() for row in re.split(r"\\\\(?:\s*\[[^\]]*\])?", match["body"])]
    rows = [row for row in rows if row]
    if not rows or any(conditioned(row) for row in rows):
        return text
    lines: list[str] = []
    for row in rows:
        line = re.sub(r"\s*&\s*", " ", row).strip().rstrip(".,;").strip()
        if lines and SIGN.match(line):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return ", ".join(lines)


def conditioned(row: str) -> bool:
    """Whether a line has a cell with a condition, as in a function by cases."""
    cells = [cell.strip() for cell in row.split("&") if cell.strip()]
    bare = any(
        not SIGN.match(cell) and not RELATION.search(before)
        for before, cell in itertools.pairwise(cells)
    )
    return bare or not RELATION.search(row)
