"""Cut the lines of an exam into problems, each with its solution if there is one.

First the style of the labels is chosen, and by `numbering` the labels that begin problems. What
follows a label is the statement, up to the word of a solution ("Solution.", 解, 【解】, 证). Parts
"(1)", "(2)" may be solved one by one or all behind the last. A solution may also stand apart: under
its label, in a section of solutions, or as an entry of an answer key.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from numina.answer.find import find_answer
from numina.exams import labels
from numina.exams.keys import answers_of
from numina.exams.labels import ANSWER_LINE, problem_marks
from numina.exams.line import Line, hyphens_settled, joined
from numina.exams.numbering import Chosen
from numina.exams.solutions import Cut, fill, fill_solution, same
from numina.exams.styles import chosen_labels, is_section
from numina.records.problem import Problem

INLINE = re.compile(
    r"(?<=\S)\s*(?=[【\[](?:参考)?(?:解|证|答案|详解|分析|点拨)[^】\]]{0,4}[】\]])"
    r"|(?<=[.?!])\s+(?=Solution\s*[.:])"
)
SAME_STATEMENT = 0.8  # of its characters
ANSWER_LABEL = re.compile(rf"{labels.START}A\.?[ \t]?(?P<number>\d{{1,3}})[.:)][ \t]*")
END_SIGNS = " \t□∎■"


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
