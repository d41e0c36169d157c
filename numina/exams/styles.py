"""Which style of labels numbers the problems of an exam, and which of its labels begin them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from numina.exams import labels
from numina.exams.labels import Mark, problem_marks, solution_mark
from numina.exams.line import Line
from numina.exams.numbering import WORDED, Chosen, Event, numbered

TITLE_LINES = 3  # of a title above a problem, at most
TITLE_SIZE = 1.15
TITLES = (labels.ROUND, labels.PROBLEMS)
GOING_ON = (",", "，", "、", ";", "；", "且", "和", "则", "与", "若")
ORDER = ("word", "dated", "q", "han_word", "han", "bare", "bracket", "paren", "roman", "letter")
SMALL_SHARE = 0.25  # of another style's problems: fewer worded ones are mentions


def chosen_labels(lines: Sequence[Line]) -> tuple[dict[int, Chosen], set[int]]:
    """The labels that begin problems or, in a section, solutions, by line; and the lines of the
    titles above them."""
    marks = [problem_marks(line.text) for line in lines]
    parts = sections(lines, marks)
    found: dict[int, Chosen] = {}
    titles: set[int] = set()
    for first, last in parts:
        readings = {}
        for style in ORDER:
            events = events_of(lines, marks, style, first + bool(first), last)
            if any(event.kind == "label" for event in events):
                score, chosen = numbered(events, style, apart=first > 0)
                if chosen:
                    readings[style] = (score, chosen)
        style = chosen_style(readings, lines)
        if style:
            found |= {one.line: one for one in readings[style][1]}
            for one in readings[style][1]:
                titles |= set(title_above(lines, one.line, style))
    return found, titles


def sections(lines: Sequence[Line], marks: Sequence[Sequence[Mark]]) -> list[tuple[int, int]]:
    """The parts of an exam: before, between and after the headings of sections of solutions."""
    starts = [0, *(place for place in range(1, len(lines)) if is_section(lines, marks, place))]
    return list(zip(starts, [*starts[1:], len(lines)], strict=True))


def is_section(lines: Sequence[Line], marks: Sequence[Sequence[Mark]], place: int) -> bool:
    """Whether a line is the heading of a section of solutions."""
    if not labels.SECTION.match(lines[place].text) or place + 1 >= len(lines):
        return False
    following = range(place + 1, min(place + 3, len(lines)))
    return any(marks[at] or solution_mark(lines[at].text) for at in following)


def events_of(
    lines: Sequence[Line], marks: Sequence[Sequence[Mark]], style: str, first: int, last: int
) -> list[Event]:
    """The labels of one style and the solutions of a part of an exam."""
    counts = Counter(line.text for line in lines[first:last])
    found = []
    for place in range(first, last):
        line = lines[place]
        own = next((mark for mark in marks[place] if mark.style == style), None)
        if own:
            titled = bool(title_above(lines, place, style))
            twice = style in WORDED and counts[line.text] > 1
            found.append(Event(place, "label", own.label, titled, twice, line.indent, line.bold))
        elif mark := solution_mark(line.text, is_fresh(lines, place)):
            found.append(Event(place, "solution", mark.label))
    return found


def is_fresh(lines: Sequence[Line], place: int) -> bool:
    """Whether a line begins a paragraph, and no sentence goes on over it."""
    before = lines[place - 1].text.rstrip()[-1:] if place else ""
    return lines[place].fresh and before not in GOING_ON


def chosen_style(readings: dict[str, tuple[float, list[Chosen]]], lines: Sequence[Line]) -> str:
    """The style that numbers the problems; "" if there is none."""
    counts = {style: len(chosen) for style, (_, chosen) in readings.items()}
    inner = any(counts.get(style, 0) > 1 for style in ("bare", "han_word", "paren"))
    if inner and "han" in counts and asks_for_kinds(readings["han"][1], lines):
        counts.pop("han")
    for style in ("word", "dated", "q", "han_word", "han"):
        others = max((count for other, count in counts.items() if other != style), default=0)
        if (
            counts.get(style, 0)
            and (counts[style] > 1 or others < 3)
            and counts[style] >= SMALL_SHARE * counts.get("bare", 0)
        ):
            return style
    rest = [style for style in counts if counts[style]]
    rest.sort(key=lambda style: readings[style][1][0].line)  # outer numbers begin before inner ones
    best = rest[0] if rest else ""
    for style in rest[1:]:
        score, chosen = readings[style]
        if score > readings[best][0] and not any(one.again for one in chosen):
            best = style
    return best


def asks_for_kinds(chosen: Sequence[Chosen], lines: Sequence[Line]) -> bool:
    """Whether labels such as 一、 name kinds of questions (选择题), not problems."""
    kinds = [bool(labels.KIND_OF_QUESTION.search(lines[one.line].text[:16])) for one in chosen]
    return 2 * sum(kinds) > len(kinds)


def title_above(lines: Sequence[Line], place: int, style: str) -> list[int]:
    """The lines right above a problem with a label of some style that are a title."""
    found: list[int] = []
    for above in range(place - 1, max(-1, place - 1 - TITLE_LINES), -1):
        if not is_title(lines[above], style):
            break
        found.append(above)
    return found


def is_title(line: Line, style: str) -> bool:
    """Whether a line may be the title of a round, part or chapter."""
    text = line.text
    own = {mark.style for mark in problem_marks(text)}
    chapter = style in WORDED or (style == "bare" and own <= {"han", "roman", "letter"})
    goes_on = not line.fresh or text[:1].islower() or text.rstrip()[-1:] in ",;，；"
    sentence = text.rstrip()[-1:] in ".。" and len(text.split()) > 4
    if line.lost or goes_on or sentence or solution_mark(text):
        return False
    patterns = (*TITLES, labels.CHAPTER) if chapter and style not in own else TITLES
    named = any(pattern.match(text) for pattern in patterns) and len(text) < 80
    kind = labels.KIND_OF_QUESTION.search(text[:16]) is not None
    return named or kind or (line.size > TITLE_SIZE and len(text) < 80)
