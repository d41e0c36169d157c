"""Fill a problem with its statement and its solution, from the lines under its label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from numina.exams import labels
from numina.exams.labels import Label, Mark, problem_marks, solution_mark
from numina.exams.line import Line, joined
from numina.exams.numbering import Chosen
from numina.exams.styles import is_fresh


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
