"""Answer keys: short answers by label, several of them on a line."""

from __future__ import annotations

import re
from collections.abc import Sequence

SHORT = 40  # characters of an answer
ENTRY = re.compile(
    r"(?:^|(?<=\s))[(（]?(?P<label>[A-Z]?\d{1,3}[a-z]?)[)）]?[ \t]*[.)．、:：][ \t]*"
    r"(?P<answer>\S.*?)(?=\s+[(（]?[A-Z]?\d{1,3}[a-z]?[)）]?[ \t]*[.)．、:：](?!\d)|\s*$)"
)
SPAN = re.compile(
    r"(?P<first>\d{1,3})\s*[-–~～至]\s*(?P<last>\d{1,3})\s*[.:：、]?\s*(?P<letters>[A-F\s]{2,})"
)


def answers_of(lines: Sequence[str]) -> dict[str, str]:
    """The answers of a key by label; empty if the lines are not a key.

    Args:
        lines: under its heading, such as ``1. B  2. 3/4`` or ``1-5 ABCDA``.
    """
    found: dict[str, str] = {}
    read = 0
    for line in lines:
        entries = span(line) or {
            entry["label"]: entry["answer"].strip().rstrip(";；,，")
            for entry in ENTRY.finditer(line)
        }
        if entries and all(len(answer) <= SHORT for answer in entries.values()):
            read += 1
            for label, answer in entries.items():
                found.setdefault(label, answer)
    return found if read and read >= 0.6 * len(lines) else {}


def span(line: str) -> dict[str, str]:
    """The answers of lines such as ``1-5 ABCDA``."""
    found = {}
    for match in SPAN.finditer(line):
        first, letters = int(match["first"]), re.sub(r"\s", "", match["letters"])
        if int(match["last"]) - first + 1 == len(letters):
            found |= {str(first + place): letter for place, letter in enumerate(letters)}
    return found
