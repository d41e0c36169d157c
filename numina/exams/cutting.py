"""Cut the lines of an exam into problems, each with its solution if there is one.

First the style of the labels is chosen, and by `numbering` the labels that begin problems. What
follows a label is the statement, up to the word of a solution ("Solution.", 解, 【解】, 证). Parts
"(1)", "(2)" may be solved one by one or all behind the last. A solution may also stand apart: under
its label, in a section of solutions, or as an entry of an answer key.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from numina.answer.find import find_answer
from numina.exams import labels
from numina.exams.keys import answers_of
from numina.exams.labels import ANSWER_LINE, Label, Mark, problem_marks, solution_mark
from numina.exams.line import Line, hyphens_settled, joined
from numina.exams.numbering import WORDED, Chosen, Event, numbered
from numina.records.problem import Problem

INLINE = re.compile(
    r"(?<=\S)\s*(?=[【\[](?:参考)?(?:解|证|答案|详解|分析|点拨)[^】\]]{0,4}[】\]])"
    r"|(?<=[.?!])\s+(?=Solution\s*[.:])"
)
SAME_STATEMENT = 0.8  # of its characters
TITLE_LINES = 3  # of a title above a problem, at most
TITLE_SIZE = 1.15
ANSWER_LABEL = re.compile(rf"{labels.START}A\.?[ \t]?(?P<number>\d{{1,3}})[.:)][ \t]*")
GOING_ON = (",", "，", "、", ";", "；", "且", "和", "则", "与", "若")
TITLES = (labels.ROUND, labels.PROBLEMS)
END_SIGNS = " \t□∎■"
ORDER = ("word", "dated", "q", "han_word", "han", "bare", "bracket", "paren", "roman", "letter")
SMALL_SHARE = 0.25  # of another style's problems: fewer worded ones are mentions


@dataclass(slots=True)
class Cut:
    """A problem that is being cut out.

    Attributes:
        label: its label.
        round: from 1.
        statement: its lines.
        solution: its solution's lines; each begins with its part, if parts are solved one by one.
        answer: of a key.
        lost: why its formulas cannot be trusted; "" if they can.
    """

    label: Label
    round: int
    statement: list[str] = field(default_factory=list)
    solution: list[str] = field(default_factory=list)
    answer: str = ""
    lost: str = ""

    @property
    def solved(self) -> bool:
        return any(text.strip() for text in self.solution)


class CutProblem(NamedTuple):
    """A problem of an exam, and why its formulas cannot be trusted; "" if they can."""

    problem: Problem
    lost: str


def cut_exam(lines: Sequence[Line], source: str) -> list[CutProblem]:
    """The problems of an exam.

    Args:
        lines: of all its pages.
        source: the file's name; ids have its stem, the round from the second on, and the label.
    """
    lines, keys = without_keys(split_inline(answers_named(hyphens_settled(lines))))
    cuts = without_repeats(gathered(lines, *chosen_labels(lines)))
    for label, answer in keys.items():
        for cut in cuts:
            if cut.label.text == label and not cut.answer:
                cut.answer = answer
                break
    found = [to_problem(cut, source, name) for cut, name in zip(cuts, names(cuts), strict=True)]
    return [cut for cut in found if cut.problem.problem]


def without_repeats(cuts: Sequence[Cut]) -> list[Cut]:
    """Problems without those that only repeat the statement of an earlier one before its solution;
    the earlier one gets the solution."""
    kept: list[Cut] = []
    for cut in cuts:
        text = joined(cut.statement)
        first = next(
            (
                other
                for other in kept
                if not other.solved
                and cut.solved
                and same(other.label, cut.label)
                and SequenceMatcher(None, joined(other.statement), text).ratio() > SAME_STATEMENT
            ),
            None,
        )
        if first:
            first.solution, first.lost = cut.solution, first.lost or cut.lost
        else:
            kept.append(cut)
    return kept


def names(cuts: Sequence[Cut]) -> list[str]:
    """A name for each problem, each another."""
    found: list[str] = []
    for cut in cuts:
        extra = "_" + re.sub(r"[^\w.-]+", "_", cut.label.extra) if cut.label.extra else ""
        name = f"round{cut.round}/" * (cut.round > 1) + cut.label.text + extra
        number = cut.round
        while name in found:
            number += 1
            name = f"round{number}/{cut.label.text}{extra}"
        found.append(name)
    return found


def to_problem(cut: Cut, source: str, name: str) -> CutProblem:
    """A problem as the other stages read it."""
    solution = [text for text in cut.solution if text.strip()]
    statement = [text for text in cut.statement if text.strip()]
    answer = cut.answer
    if len(statement) > 1 and (line := ANSWER_LINE.match(statement[-1])):
        answer, statement = line["answer"], statement[:-1]
    if solution and (line := ANSWER_LINE.match(solution[-1])):
        answer, solution = line["answer"], solution[:-1]
    elif line := next((found for text in solution if (found := ANSWER_LINE.match(text))), None):
        place = [ANSWER_LINE.match(text) is not None for text in solution].index(True)
        answer, solution = line["answer"], solution[:place]
    text = joined(solution).rstrip(END_SIGNS)
    return CutProblem(
        Problem(
            id=f"{Path(source).stem}/{name}",
            problem=labels.POINTS.sub("", joined(statement)).rstrip(END_SIGNS),
            answer=answer or stated_answer(text),
            source=source,
            solution=text,
        ),
        cut.lost,
    )


def stated_answer(solution: str) -> str:
    """The answer that a solution states; "" for a Chinese sentence that states none as such."""
    found = find_answer(solution) or ""
    return "" if labels.CHINESE.search(found) else found


def answers_named(lines: Sequence[Line]) -> list[Line]:
    """Lines in which "A3." answers "Q3." read as its solution."""
    asked = {mark.label for line in lines for mark in problem_marks(line.text) if mark.style == "q"}
    numbers = {label.number for label in asked if label}
    found = {place: ANSWER_LABEL.match(line.text) for place, line in enumerate(lines)}
    given = {int(match["number"]) for match in found.values() if match}
    if len(numbers & given) < max(2, len(numbers) / 2):
        return list(lines)
    return [
        dataclasses.replace(line, text=f"Solution. {line.text[match.end() :]}", fresh=True)
        if (match := found[place])
        else line
        for place, line in enumerate(lines)
    ]


def split_inline(lines: Sequence[Line]) -> list[Line]:
    """Lines in which a solution that begins inside of one begins another."""
    found: list[Line] = []
    for line in lines:
        first, *rest = INLINE.split(line.text)
        found.append(dataclasses.replace(line, text=first) if rest else line)
        found += [dataclasses.replace(line, text=text, gap=0.0, fresh=True) for text in rest]
    return found


def without_keys(lines: Sequence[Line]) -> tuple[list[Line], dict[str, str]]:
    """An exam without its answer key, and the key."""
    for place, line in enumerate(lines):
        if labels.KEY.match(line.text) and place:
            entries = [later.text for later in lines[place + 1 :]]
            if entries and (found := answers_of(entries)):
                return list(lines[:place]), found
    return list(lines), {}


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


def gathered(lines: Sequence[Line], chosen: dict[int, Chosen], titles: set[int]) -> list[Cut]:
    """The problems under the chosen labels, each with its solution."""
    marks = [problem_marks(line.text) for line in lines]
    in_section = [place for place in range(1, len(lines)) if is_section(lines, marks, place)]
    cuts: list[Cut] = []
    current: Cut | None = None
    section = False
    starts = sorted(chosen)
    for place, start in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else len(lines)
        end = min([end, *(at for at in in_section if start < at)])
        before = starts[place - 1] if place else -1
        section = section or any(before < at < start for at in in_section)
        one = chosen[start]
        waiting = [cut for cut in cuts if same(cut.label, one.label) and not cut.solved]
        body = [at for at in range(start, end) if at not in titles]
        if section and waiting:
            fill_solution(waiting[0], lines, body, one)
            continue
        section = False
        number = cuts[-1].round if cuts else 1
        again = any(same(cut.label, one.label) and cut.round == number for cut in cuts)
        current = Cut(one.label, number + again)
        cuts.append(current)
        fill(current, cuts, lines, body, one)
    return cuts


def same(one: Label, other: Label) -> bool:
    return (one.text, one.extra) == (other.text, other.extra)


def body_text(lines: Sequence[Line], place: int, one: Chosen) -> str:
    """The text of a line, without the label if it begins with it."""
    text = lines[place].text
    if place != one.line:
        return text
    mark = next(mark for mark in problem_marks(text) if mark.label == one.label)
    return text[mark.body :]


def fill_solution(cut: Cut, lines: Sequence[Line], body: Sequence[int], one: Chosen) -> None:
    """Give a problem the solution that stands under its label in a section.

    A statement that is repeated there is left out.
    """
    marks = [at for at in body[1:] if (mark := solution_mark(lines[at].text)) and not mark.sub]
    if marks and not solution_mark(body_text(lines, one.line, one)):
        body = [at for at in body if at >= marks[0]]
    for place in body:
        text = body_text(lines, place, one)
        if mark := solution_mark(text, place in (one.line, body[0])):
            text = text[mark.body :] if not mark.sub else text
        cut.solution.append(text)
        cut.lost = cut.lost or lines[place].lost


def fill(
    cut: Cut, cuts: Sequence[Cut], lines: Sequence[Line], body: Sequence[int], one: Chosen
) -> None:
    """Give a problem its statement and its solution, and others the solutions that are theirs."""
    target: Cut | None = cut
    in_solution = False
    asked, solving, word = "", "", ""
    asked_parts: set[str] = set()
    for at, place in enumerate(body):
        line, text = lines[place], body_text(lines, place, one)
        mark = solution_mark(text, is_fresh(lines, place) or place == one.line)
        part = labels.SUB.match(text)
        if mark is not None and not in_solution and labels.asks_for_proof(text):
            said_before = labels.POINTS.sub("", joined(cut.statement))
            if not said_before or is_solved_later(lines, body[at + 1 :]):
                mark = None
        if mark is not None:
            said = text[: mark.body].strip().lower()[:8]
            target, again = addressee(cuts, cut, mark)
            other = not mark.first or said == word or mark.label is not None
            if again and part is None and solving == asked and other:
                target = None  # another solution of the same problem
            in_solution = True
            if target is None:
                continue
            goes_on = again and solving == asked and said != word
            solving, word = asked, said
            if mark.sub:
                text = f"({mark.sub}) {text[mark.body :]}"
            elif not goes_on:
                text = text[mark.body :]
            if asked and not mark.sub and not again:
                text = f"({asked}) {text}" if is_asked_apart(lines, body[at + 1 :]) else text
            elif asked and not mark.sub:
                text = f"({asked}) {text}"
        elif part and in_solution and target is cut and part["label"] not in asked_parts:
            in_solution = not is_asked_apart(lines, body[at:])
        if part and not in_solution:
            asked = part["label"]
            asked_parts.add(asked)
        if target is None:
            continue
        (target.solution if in_solution else target.statement).append(text)
        target.lost = target.lost or line.lost


def is_solved_later(lines: Sequence[Line], rest: Sequence[int]) -> bool:
    """Whether a solution follows, so that 证明 before it says what is to be proved."""
    marks = (solution_mark(lines[place].text, is_fresh(lines, place)) for place in rest)
    return any(mark is not None and mark.first for mark in marks)


def is_asked_apart(lines: Sequence[Line], rest: Sequence[int]) -> bool:
    """Whether the next part "(2)" is followed by a solution of its own."""
    begun = False
    for place in rest:
        text = lines[place].text
        mark = solution_mark(text, is_fresh(lines, place))
        if mark is not None:
            return begun and not mark.sub
        if labels.SUB.match(text):
            if begun:
                return False
            begun = True
    return False


def addressee(cuts: Sequence[Cut], current: Cut, mark: Mark) -> tuple[Cut | None, bool]:
    """The problem that a solution belongs to, and whether it has a part of it already.

    It is the last problem, unless the solution has the label of another without a solution.
    """
    waits = not current.solved
    if mark.label is not None:
        waiting = [cut for cut in cuts if cut.label.text == mark.label.text and not cut.solved]
        if waiting and not (waits and current.label.text == mark.label.text):
            return waiting[0], False
        if not waits and current.label.text != mark.label.text:
            return None, True
    return current, not waits
