"""Braces in LaTeX: where a group ends, and how deep a place lies."""

from __future__ import annotations

import re

SIGN = re.compile(r"\\.|[{}]", re.S)


def closing(text: str, begin: int, longest: int | None = None) -> int | None:
    r"""Where the brace that was opened just before `begin` is closed; None where it is not.

    An escaped brace (``\{``) neither opens nor closes a group.

    Args:
        text: LaTeX.
        begin: the place behind the opening brace.
        longest: how many characters to look at, None for all.
    """
    depth = 1
    end = len(text) if longest is None else min(len(text), begin + longest)
    for match in SIGN.finditer(text, begin, end):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return None


def group(text: str, begin: int) -> tuple[str, int] | None:
    """The content of the group that begins at or after `begin`, behind spaces, and its end."""
    opening = re.compile(r"\s*\{").match(text, begin)
    if opening is None:
        return None
    end = closing(text, opening.end())
    return None if end is None else (text[opening.end() : end], end + 1)


def outside(text: str) -> str:
    """A text of the same length in which all that stands in a group is blank."""
    shown, depth, position = [], 0, 0
    for match in SIGN.finditer(text):
        shown.append(
            text[position : match.start()] if depth == 0 else " " * (match.start() - position)
        )
        depth = max(0, depth + {"{": 1, "}": -1}.get(match[0], 0))
        shown.append(match[0] if depth == 0 else " " * len(match[0]))
        position = match.end()
    rest = text[position:]
    return "".join([*shown, rest if depth == 0 else " " * len(rest)])
