"""The fenced format of a solution: prose, programs and what they printed.

Models write fences in many ways: ``python``, ``py`` or ``Python3``, after a space, with the line
ends of Windows, indented in a list, or behind words on a line. A closing fence stands on a line of
its own, so backticks in a comment or a docstring close nothing; a block that is never closed runs
to the end of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<before>.*?)```+[ \t]*(?P<language>[A-Za-z][\w+#.-]*)?[ \t]*\r?$")
PYTHON = re.compile(r"py(?:thon)?[\d.]*|sage|ipython[\d.]*", re.I)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a text.

    Attributes:
        kind: ``python``, ``output``, another language in lower case, or "" where none is named.
        start, end: of the block in the text, fences included.
        text: what stands between the fences.
    """

    kind: str
    start: int
    end: int
    text: str


def blocks(text: str) -> list[Block]:
    """The blocks of a text, in order."""
    lines = text.splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    found: list[Block] = []
    at = 0
    while at < len(lines):
        kind = opened(lines, at)
        if kind is None:
            at += 1
            continue
        last = next((i for i in range(at + 1, len(lines)) if ends(lines[i], kind)), len(lines))
        closed = last < len(lines) and closes(lines[last])
        start = begins[at] + lines[at].index("```")
        content = text[begins[at + 1] : begins[last]]
        at = last + 1 if closed else last
        found.append(Block(kind, start, begins[at], content))
    return found


def prose(text: str) -> str:
    """A text without its blocks: each leaves an empty line."""
    kept, position = [], 0
    for block in blocks(text):
        kept += [text[position : block.start], "\n"]
        position = block.end
    return "".join([*kept, text[position:]])


def outputs(text: str) -> list[str]:
    """What the programs of a text printed, in order."""
    return [block.text for block in blocks(text) if block.kind == "output"]


def opened(lines: list[str], at: int) -> str | None:
    """The kind of the block that a line opens, or None.

    A fence without a language opens one only where the next fence closes it: it may be one closing
    fence too many.
    """
    match = FENCE.match(lines[at].rstrip("\n"))
    if match is None:
        return None
    language = (match["language"] or "").lower()
    if "`" in match["before"] or (match["before"].strip() and not known(language)):
        return None
    if not language:
        later = (line for line in lines[at + 1 :] if FENCE.match(line.rstrip("\n")))
        fence = next(later, None)
        return "" if fence is not None and closes(fence) else None
    return "python" if PYTHON.fullmatch(language) else language


def known(language: str) -> bool:
    return language == "output" or PYTHON.fullmatch(language) is not None


def closes(line: str) -> bool:
    return re.fullmatch(r"\s*```+\s*", line) is not None


def ends(line: str, kind: str) -> bool:
    """Whether a line ends a block: its closing fence, or the next block where that is missing."""
    if closes(line):
        return True
    match = FENCE.match(line.rstrip("\n"))
    if match is None or match["before"].strip():
        return False
    language = (match["language"] or "").lower()
    return language == "output" or (kind == "output" and known(language))
