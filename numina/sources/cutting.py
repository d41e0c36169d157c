"""Cut an exam's text into problems, each with its solution.

Headings stand at the start of a line. In a text with worded headings ("Problem 3.", "Question 3:",
"Exercise 1a", "Problem B2") these alone begin a problem, so numbered steps and lists are text. In a
text without them a problem begins with its bare number ("3." or "3)"): the one that follows the
last problem's. A list that counts from 1 inside a solution or a statement is text.

A solution follows its problem, bears its number ("Solution 3."), or stands in a section
"Solutions" under it. A label that comes again, from the first one on, begins another round.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from numina.answer.find import find_answer
from numina.records.dropped import Dropped
from numina.records.problem import Problem

START = r"^[ \t#*\x00-\x08\xa0]*"  # PDFs have control characters at the start of some lines
LABEL = (
    r"(?P<label>(?:[A-Z]-?)?\d{1,3}(?!\d)(?:\.\d{1,2}(?!\d))?"
    r"(?:[a-z](?![A-Za-z])|[ \t]?\([a-z]\))?|[A-Z](?=[.:)])|[IVX]{1,5}(?=[.:)]))"
)
BEHIND = r"[ \t]*(?P<mark>[.:)\]]?)[*]*[ \t]*"
PROBLEM = re.compile(
    rf"{START}(?P<word>problem|question|exercise)[ \t]*{LABEL}{BEHIND}", re.I | re.M
)
SOLUTION = re.compile(
    rf"{START}(?P<word>solution|proof)(?![a-z])[ \t]*"
    rf"(?:(?:to|of|for)[ \t]+(?:problem|question|exercise)[ \t]*)?(?:{LABEL})?{BEHIND}",
    re.I | re.M,
)
NUMERAL = re.compile(rf"{START}(?P<label>\d{{1,3}})[.)](?=\s)[ \t]*", re.M)
SECTION = re.compile(
    rf"{START}(?:answers and )?solutions(?: to [^\n]{{1,40}})?[ \t]*:?[ \t*]*$", re.I | re.M
)
KEY = re.compile(rf"{START}answer(?: key|s)[ \t]*:?[ \t*]*$", re.I | re.M)
# Titles between problems, where a problem's heading is the next line.
ROUND = re.compile(
    rf"{START}[^\n]{{0,40}}\b(?:round|part|day|test|section|paper|contest)\b[^\n]{{0,40}}$",
    re.I | re.M,
)
CHAPTER = re.compile(rf"{START}\d{{1,3}}\.[ \t]+[^\n]{{1,60}}$", re.M)
ANSWER_LINE = re.compile(
    r"^[ \t]*answer[ \t]*[:=][ \t]*(?P<answer>\S[^\n]*?)\.?[ \t]*$", re.I | re.M
)


class Heading(NamedTuple):
    """A heading: where it and its text begin, what begins there, and under which label."""

    start: int
    body: int
    kind: Literal["problem", "solution", "section", "title"]
    label: str = ""
    new_round: bool = False


@dataclass(slots=True)
class Cut:
    """A problem while it is cut out: its label within a round, from 1, and its texts."""

    label: str
    round: int
    statement: str
    solution: str = ""


def cut_pairs(text: str, source: str) -> tuple[list[Problem], list[Dropped]]:
    """The problems of an exam with their solutions, and those that have none.

    Args:
        text: the whole exam.
        source: the file's name; ids are its stem and the label, with the round from the second on.
    """
    worded = worded_problems(text)
    headings = worded or bare_problems(text)
    pairs, dropped = [], []
    for cut in gathered(text, headings):
        round_part = f"round{cut.round}/" if cut.round > 1 else ""
        name = f"{Path(source).stem}/{round_part}{cut.label}"
        if not cut.statement or not cut.solution:
            dropped.append(Dropped(name, "no_solution" if cut.statement else "no_statement"))
            continue
        line = ANSWER_LINE.search(cut.solution)
        pairs.append(
            Problem(
                id=name,
                problem=joined(cut.statement),
                answer=line["answer"] if line else find_answer(cut.solution) or "",
                source=source,
                solution=joined(cut.solution[: line.start()] if line else cut.solution),
            )
        )
    return pairs, dropped


def joined(text: str) -> str:
    """A text as one line."""
    return re.sub(r"\s*\n\s*", " ", text).strip()


def plain(label: str | None) -> str:
    """A label without brackets and spaces: ``1 (a)`` is ``1a``."""
    return re.sub(r"[\s()-]", "", label or "").lstrip("0")


def is_heading(match: re.Match[str], text: str) -> bool:
    """Whether a heading's words begin one: a sentence that goes on, "solution of", does not."""
    rest = text[match.end() : match.end() + 1]
    return bool(match["mark"]) or (match["word"][0].isupper() and not rest.islower())


def worded_problems(text: str) -> list[Heading]:
    """The headings of a text whose problems are headed by a word; none where it is another."""
    problems = [match for match in PROBLEM.finditer(text) if is_heading(match, text)]
    capital = any(match["word"][0].isupper() for match in problems)
    problems = [match for match in problems if match["word"][0].isupper() == capital]
    starts = [match.start() for match in problems]
    found = [
        Heading(match.start(), match.end(), "problem", plain(match["label"])) for match in problems
    ]
    if not found:
        return []
    titles = [
        Heading(match.start(), match.end(), "title")
        for pattern in (ROUND, CHAPTER)
        for match in pattern.finditer(text)
        if match.start() not in starts and next_text(text, match.end()) in starts
    ]
    return sorted(found + titles + solutions(text, starts), key=lambda heading: heading.start)


def solutions(text: str, problems: Sequence[int]) -> list[Heading]:
    """Headings of solutions, of sections of them, and of answer keys."""
    found = [
        Heading(match.start(), match.end(), "solution", plain(match["label"]))
        for match in SOLUTION.finditer(text)
        if is_heading(match, text)
    ]
    starts = {*problems, *(heading.start for heading in found)}
    found += [
        Heading(match.start(), match.end(), "section")
        for match in SECTION.finditer(text)
        if next_text(text, match.end()) in starts
    ]
    return found + [Heading(m.start(), m.end(), "title", "key") for m in KEY.finditer(text)]


def next_text(text: str, position: int) -> int:
    """Where the next line that is not blank begins."""
    rest = text[position:]
    lead = len(rest) - len(rest.lstrip())
    return text.rfind("\n", 0, position + lead) + 1


def bare_problems(text: str) -> list[Heading]:
    """The headings of a text whose problems bear a bare number."""
    numerals = list(NUMERAL.finditer(text))
    others = sorted(solutions(text, [match.start() for match in numerals]))
    rounds = [match.end() for match in ROUND.finditer(text)]
    fresh = {next_text(text, end) for end in rounds}
    found = list(others)
    last, section = 0, False
    ends = [*others, Heading(len(text), len(text), "title")]
    for before, heading in pairwise([Heading(-1, 0, "title"), *ends]):
        if before.label == "key":
            continue
        section = section or before.kind == "section"
        if before.kind == "section":
            last = 0
        inside = [match for match in numerals if before.start < match.start() < heading.start]
        chosen = begun(
            [int(match["label"]) for match in inside],
            last,
            [match.start() in fresh for match in inside],
            solved=heading.kind == "solution" and not section,
            label=heading.label,
        )
        for place, new_round in chosen:
            match = inside[place]
            last = int(match["label"])
            found.append(Heading(match.start(), match.end(), "problem", str(last), new_round))
    starts = [heading.start for heading in found]
    titles = [Heading(m.start(), m.end(), "title") for m in ROUND.finditer(text)]
    return sorted(found + [title for title in titles if next_text(text, title.body) in starts])


def begun(
    numbers: Sequence[int], last: int, fresh: Sequence[bool], *, solved: bool, label: str
) -> list[tuple[int, bool]]:
    """Which bare numbers between two headings begin a problem, and whether with a new round.

    Args:
        numbers: the bare numbers, in order.
        last: the number of the last problem; 0 before the first.
        fresh: which of them stand under the title of a round.
        solved: whether a solution follows, so that a problem has to stand there.
        label: the number of that solution, if it bears one.
    """
    if solved and not last and len(numbers) > 1 and numbers[-1] == 1:
        return [(len(numbers) - 1, False)]  # instructions are numbered before the first problem
    chosen: list[tuple[int, bool]] = []
    expected = last + 1 if last else (numbers or [1])[0]
    place = 0
    while place < len(numbers):
        if fresh[place] and numbers[place] == 1:
            chosen.append((place, bool(last)))
            expected = 2
        elif numbers[place] == expected:
            chosen.append((place, False))
            expected += 1
        elif numbers[place] == 1:
            place = list_end(numbers, place)
            continue
        place += 1
    if chosen or not solved or not numbers:
        return chosen
    for wanted in (label, str(expected)):
        places = [place for place, number in enumerate(numbers) if str(number) == wanted]
        if places:
            return [(places[-1], False)]
    return [(0, True)] if list(numbers) == [1] else []


def list_end(numbers: Sequence[int], place: int) -> int:
    """Where a list that counts from 1 ends."""
    count = 1
    while place < len(numbers) and numbers[place] == count:
        place, count = place + 1, count + 1
    return place


def gathered(text: str, headings: Sequence[Heading]) -> list[Cut]:
    """The problems under the headings, each with its solution."""
    cuts: list[Cut] = []
    current: Cut | None = None
    in_section = False
    kept = [heading for heading in headings if not repeats(heading, headings)]
    for place, heading in enumerate(kept):
        end = kept[place + 1].start if place + 1 < len(kept) else len(text)
        body = text[heading.body : end].strip()
        waiting = [cut for cut in cuts if cut.label == heading.label and not cut.solution]
        if heading.kind == "section":
            in_section = True
        elif heading.kind == "solution":
            solved = addressee(waiting, current, heading.label)
            if solved is not None:
                solved.solution = body
        elif heading.kind == "problem" and in_section and waiting:
            waiting[0].solution = body
        elif heading.kind == "problem":
            in_section = False
            number = cuts[-1].round if cuts else 1
            again = any(cut.label == heading.label and cut.round == number for cut in cuts)
            current = Cut(heading.label, number + (again or heading.new_round), body)
            cuts.append(current)
    return cuts


def repeats(heading: Heading, headings: Sequence[Heading]) -> bool:
    """Whether the heading of a problem is a mention of an earlier one at the start of a line.

    A label that comes again begins a round only where it is the first of all, or follows one.
    """
    earlier = [other for other in headings if other.kind == "problem" and other < heading]
    if heading.kind != "problem" or not earlier:
        return False
    if any(other.kind == "section" and other < heading for other in headings):
        return False
    labels = [other.label for other in earlier]
    first = labels[0]
    since = len(labels) - 1 - labels[::-1].index(first)
    return heading.label != first and heading.label in labels[since:]


def addressee(waiting: Sequence[Cut], current: Cut | None, label: str) -> Cut | None:
    """The problem that a solution belongs to; None where that has one.

    It is the one before, unless the solution bears the label of others that wait for theirs.
    """
    waits = current is not None and not current.solution
    if label and waiting and not (waits and current is not None and current.label == label):
        return waiting[0]
    return current if waits else None
