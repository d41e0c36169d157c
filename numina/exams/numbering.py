"""Which labels at the starts of lines are an exam's problems, and which are lists or mentions.

The labels of one style are read in order by dynamic programming (Viterbi, with a beam). Each is
the next problem, the next item of a list that counts from 1, or neither, and each reading has a
cost: numbers that are skipped, rounds that begin without a title, problems that are left without a
solution where the others have one, items that look unlike the other headings. The cheapest reading
of the whole exam wins, so one misread number does not carry the others away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from numina.exams.labels import Label

BEAM = 96
PROBLEM = 2.0  # gained by each problem
SKIPPED = 1.2  # for each number that is left out; worded labels may skip
SKIPPED_WORDED = 0.25
MOST_SKIPPED = 4
RESTART = 2.0  # a round that begins without a title
RESTART_TITLED = 0.3
LATE_FIRST = 0.7  # for each number before the first one
ITEM = 1.3  # gained by each item of a list in a problem
LIST = 0.4  # a list that begins
NEITHER = 1.5  # a number that counts nothing
MENTION = 1.0  # a worded label in a sentence
UNSOLVED = 2.5  # where most problems are followed by a solution
MOSTLY_SOLVED = 0.6
SECOND_SOLUTION = 1.0  # of one problem
SOLUTION_FIRST = 0.5
UNLIKE = 1.0  # looks unlike the other headings
UNLIKE_NEITHER = 0.3
DENTED = 0.5  # a first guess: further in than others
LIGHT = 0.6  # a first guess: not bold, others are
WORDED = ("word", "q", "han_word", "dated")


@dataclass(frozen=True, slots=True)
class Event:
    """Something at the start of a line that the numbering depends on.

    Attributes:
        line: the line's index.
        kind: a label or a solution's word.
        label: of a label; of a solution, if it has one.
        titled: whether the title of a round or part stands above it.
        twice: whether the same line stands elsewhere: the statement is repeated.
        indent, bold: of its line.
    """

    line: int
    kind: Literal["label", "solution"]
    label: Label | None = None
    titled: bool = False
    twice: bool = False
    indent: float = 0.0
    bold: bool = False


class Chosen(NamedTuple):
    """A label that begins a problem, or in a section of solutions a solution.

    Attributes:
        line: the line's index.
        label: what it says.
        again: whether the numbers begin again without a title.
    """

    line: int
    label: Label
    again: bool


class State(NamedTuple):
    """How far a reading has come: the last problem, whether it is solved, the last list item."""

    last: Label | None
    solved: bool
    item: int


class Reading(NamedTuple):
    """A reading of the labels up to some event: its score and what it chose, last first."""

    score: float
    chosen: tuple[Chosen, Any] | None


class Way(NamedTuple):
    """A way to read one label: the state after it, the gain, and what it chooses."""

    state: State
    gain: float
    chosen: Chosen | None = None


def numbered(
    events: Sequence[Event], style: str, *, apart: bool = False
) -> tuple[float, list[Chosen]]:
    """The problems among the labels of one style, and the score of this reading.

    Args:
        events: labels of this style and solutions, in order.
        style: of the labels, of `labels.STYLES`.
        apart: whether they are in a section of solutions, where none follows.
    """
    guess = {event.line: first_look(event, events) for event in events if event.kind == "label"}
    loose = sum(event.kind == "solution" and event.label is None for event in events)
    unsolved = UNSOLVED
    score, chosen = best_reading(events, style, guess, unsolved)
    if apart or loose < MOSTLY_SOLVED * max(1, len(chosen)):
        unsolved = 0.0
        score, chosen = best_reading(events, style, guess, unsolved)
    if len(chosen) > 2:
        look = second_look(events, chosen)
        score, chosen = best_reading(events, style, look, unsolved)
    return score, chosen


def first_look(event: Event, events: Sequence[Event]) -> float:
    """What a label loses because others look more like headings."""
    labels = [other for other in events if other.kind == "label"]
    bold = sum(other.bold for other in labels)
    least = (
        min(
            other.indent
            for other in labels
            if len(labels) < 3 or sum(abs(other.indent - more.indent) < 0.8 for more in labels) > 1
        )
        if labels
        else 0.0
    )
    return LIGHT * (bold > 1 and not event.bold) + DENTED * (event.indent > least + 0.8)


def second_look(events: Sequence[Event], chosen: Sequence[Chosen]) -> dict[int, float]:
    """What each label loses because it looks unlike most of those that were chosen."""
    lines = {one.line for one in chosen}
    heads = [event for event in events if event.line in lines and event.kind == "label"]
    looks = Counter((round(event.indent / 0.8), event.bold) for event in heads)
    (usual, bold), count = looks.most_common(1)[0]
    if count < 0.6 * len(heads):
        return {event.line: 0.0 for event in events}
    return {
        event.line: UNLIKE * (abs(event.indent / 0.8 - usual) > 1.1) + UNLIKE * (event.bold != bold)
        for event in events
    }


def best_reading(
    events: Sequence[Event], style: str, look: dict[int, float], unsolved: float
) -> tuple[float, list[Chosen]]:
    """The reading with the highest score."""
    solved_apart = {
        event.label.text
        for event in events
        if event.label and (event.kind == "solution" or event.twice)
    }
    beam: dict[State, Reading] = {State(None, True, 0): Reading(0.0, None)}
    for event in events:
        after: dict[State, Reading] = {}
        if event.kind == "solution":
            for state, reading in beam.items():
                new, cost = after_solution(state, event)
                add(after, new, Reading(reading.score - cost, reading.chosen))
        else:
            for state, reading in beam.items():
                for way in read_label(state, event, style, look, unsolved, solved_apart):
                    chain = (way.chosen, reading.chosen) if way.chosen else reading.chosen
                    add(after, way.state, Reading(reading.score + way.gain, chain))
        best = sorted(after.items(), key=lambda pair: -pair[1].score)[:BEAM]
        beam = dict(best)
    ends = [
        (reading.score - unsolved * is_open(state, solved_apart), reading.chosen)
        for state, reading in beam.items()
    ]
    score, chain = max(ends, key=lambda end: end[0])
    chosen = []
    while chain:
        one, chain = chain
        chosen.append(one)
    return score, chosen[::-1]


def add(beam: dict[State, Reading], state: State, reading: Reading) -> None:
    """Keep a reading if it is the best that ends in its state."""
    if state not in beam or beam[state].score < reading.score:
        beam[state] = reading


def after_solution(state: State, event: Event) -> tuple[State, float]:
    """The state after a solution's word, and what it costs."""
    if state.last is None:
        return state, SOLUTION_FIRST
    if event.label is not None and event.label.text != state.last.text:
        return state._replace(solved=True), 0.0
    return state._replace(solved=True, item=0), SECOND_SOLUTION * state.solved


def is_open(state: State, solved_apart: set[str]) -> bool:
    """Whether the last problem has no solution."""
    return state.last is not None and not state.solved and state.last.text not in solved_apart


def read_label(
    state: State,
    event: Event,
    style: str,
    look: dict[int, float],
    unsolved: float,
    solved_apart: set[str],
) -> list[Way]:
    """The ways to read a label after a state."""
    label = event.label
    assert label is not None
    unlike = look.get(event.line, 0.0)
    worded = style in WORDED
    neither = UNLIKE_NEITHER if unlike >= UNLIKE else MENTION if worded else NEITHER
    ways = [Way(state, -neither)]
    if not worded and not label.under and not label.part:
        gain = ITEM if state.last else 0.0
        if label.number == state.item + 1 and state.item:
            ways.append(Way(state._replace(item=label.number), gain))
        if label.number == 1:
            ways.append(Way(state._replace(item=1), gain - LIST))
    step = cost_of_step(state.last, label, event.titled, worded)
    if step is not None:
        gain = PROBLEM - step - unlike - unsolved * is_open(state, solved_apart)
        again = step == RESTART
        ways.append(Way(State(label, False, 0), gain, Chosen(event.line, label, again)))
    return ways


def cost_of_step(last: Label | None, label: Label, titled: bool, worded: bool) -> float | None:
    """What it costs that a problem follows another; None if it cannot."""
    if last is None:
        late = max(0, label.number - 1)
        return min(0.5, 0.1 * late) if worded else min(3.0, LATE_FIRST * late)
    if titled and label.number == 1 and label.part <= 1:
        return RESTART_TITLED
    ahead = label.number - last.number
    if label.under == last.under:
        same = ahead == 0 and (label.extra != last.extra or label.part == last.part + 1)
        if same or (ahead == 1 and label.part <= 1):
            return 0.0
        if ahead > 1 and (worded or ahead <= MOST_SKIPPED):
            return min(1.6, SKIPPED_WORDED * (ahead - 1)) if worded else SKIPPED * (ahead - 1)
    elif len(label.under) == len(last.under) and label.under > last.under:
        return min(1.6, SKIPPED_WORDED * max(0, label.number - 1))
    return RESTART if label.number == 1 and label.part <= 1 else None
