"""Answer keys: short answers by label, several of them on a line."""

from __future__ import annotations

import re
from collections.abc import Sequence

SHORT = 40  # characters of an answer
LABEL = re.compile(
    r"(?:^|(?<=\s))[(（]?(?P<label>[A-Z]?(?P<number>\d{1,3})[a-z]?)[)）]?[ \t]*"
    r"(?:[)．、：]|[.:](?!\d))[ \t]*"
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
        entries = span(line) or entries_of(line)
        if entries and all(len(answer) <= SHORT for answer in entries.values()):
            read += 1
            for label, answer in entries.items():
                found.setdefault(label, answer)
    return found if read and read >= 0.6 * len(lines) else {}


def entries_of(line: str) -> dict[str, str]:
    """The entries of a line; a number that does not follow the last one is part of an answer."""
    labels: list[re.Match[str]] = []
    for match in LABEL.finditer(line):
        if not labels or int(match["number"]) in (1, int(labels[-1]["number"]) + 1):
            labels.append(match)
    if not labels or labels[0].start():
        return {}
    ends = [*(match.start() for match in labels[1:]), len(line)]
    answers = {
        match["label"]: line[match.end() : end].strip().rstrip(";；,，")
        for match, end in zip(labels, ends, strict=True)
    }
    return {label: answer for label, answer in answers.items() if answer}


def span(line: str) -> dict[str, str]:
    """The answers of lines such as ``1-5 ABCDA``."""
    found = {}
    for match in SPAN.finditer(line):
        first, letters = int(match["first"]), re.sub(r"\s", "", match["letters"])
        if int(match["last"]) - first + 1 == len(letters):
            found |= {str(first + place): letter for place, letter in enumerate(letters)}
    return found
