"""A row of the data build as text for a terminal."""

from __future__ import annotations

import dataclasses
import json
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from numina.errors import UserError
from numina.fences import blocks
from numina.records.attempt import Attempt
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import to_problem
from numina.terminal import printable

WIDEST = 100  # characters of a line of prose
INDENT = "  "
NAMES = {"python": "program", "output": "output"}


def row_as_text(row: Problem) -> str:
    """A problem with its solution: prose folded, programs and their outputs set apart."""
    parts = [headline(row), *prose(row.problem)]
    for name, text in (("Solution", row.solution), ("With tools", row.tools)):
        if text.strip():
            parts += ["", f"{name}:", *solution(text)]
    parts += ["", f"Answer: {row.answer or 'none'}"]
    return printable("\n".join(parts))


def attempt_as_text(row: Problem, attempt: Attempt) -> str:
    """An attempt of a teacher at a problem, after its verdict."""
    made = f"attempt {attempt.sample} by {attempt.teacher}, round {attempt.round}: "
    made += f"{attempt.verdict}, its answer is {attempt.answer or 'none'}"
    tried = dataclasses.replace(row, solution=attempt.text, tools="")
    return printable("\n".join(prose(made, ""))) + "\n" + row_as_text(tried)


def removal_as_text(removal: Removal) -> str:
    """A row that was left out, after the rule that did so."""
    why = f"left out by {removal.rule}"
    if removal.partner:
        why += f", for {removal.partner}, score {removal.score:.3g}"
    if removal.where:
        why += f", from {removal.where}"
    if removal.reason:
        why += f": {removal.reason}"
    return printable("\n".join(prose(why, ""))) + "\n" + anything_as_text(removal.row)


def anything_as_text(row: Problem | Mapping[str, Any]) -> str:
    """A problem, or what could not be read as one."""
    if isinstance(row, Problem):
        return row_as_text(row)
    try:
        return row_as_text(to_problem(row, ""))
    except UserError:
        return printable(json.dumps(row, ensure_ascii=False, indent=2, default=str))


def headline(row: Problem) -> str:
    """What is known about a problem, in a line."""
    level = f"level {row.level}" if row.level else ""
    page = f"page {row.page}" if row.page else ""
    origin = f"{row.source}@{row.revision[:7]}" if row.revision else row.source
    known = (row.id, origin, row.subsource, row.contest, row.subject, level, row.licence, row.url)
    wrong = f"its answer is wrong: {row.unsound}" if row.unsound else ""
    return " · ".join(filter(None, (*known, page, wrong)))


def solution(text: str) -> Iterator[str]:
    """The lines of a solution."""
    at = 0
    for block in blocks(text):
        yield from prose(text[at : block.start])
        yield f"{INDENT}{NAMES.get(block.kind, block.kind or 'block')}"
        yield from (f"{INDENT}│ {line}" for line in block.text.rstrip("\n").split("\n"))
        at = block.end
    yield from prose(text[at:])


def prose(text: str, indent: str = INDENT) -> Iterator[str]:
    """The lines of a text, folded between words to the width of the terminal."""
    width = min(WIDEST, shutil.get_terminal_size().columns)
    for line in text.strip().splitlines():
        folded = textwrap.wrap(
            line, width - len(indent), break_long_words=False, break_on_hyphens=False
        )
        yield from (f"{indent}{part}" for part in folded or [""])
