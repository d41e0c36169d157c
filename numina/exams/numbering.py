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
from typing import Literal, NamedTuple

from numina.exams.labels import Label

BEAM = 96
PROBLEM = 2.0  # gained by each problem
SKIPPED = 1.2  # for each number that is left out; worded labels may skip
SKIPPED_WORDED = 0.25
RESTART = 2.5  # a round that begins without a title
RESTART_TITLED = 0.3
LATE_FIRST = 0.7  # for each number before the first one
LIST = 0.3  # a list that begins
NEITHER = 1.2  # a number that counts nothing
MENTION = 1.0  # a worded label in a sentence
UNSOLVED = 2.5  # where most problems are followed by a solution
MOSTLY_SOLVED = 0.6
SECOND_SOLUTION = 0.2
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
        kind: a label, a solution's word, or the heading of a section of solutions.
        label: of a label; of a solution, if it has one.
        titled: whether the title of a round or part stands above it.
        indent, bold: of its line.
    """

    line: int
    kind: Literal["label", "solution", "section"]
    label: Label | None = None
    titled: bool = False
    indent: float = 0.0
    bold: bool = False


class Chosen(NamedTuple):
    """A label that begins a problem, or in a section of solutions a solution."""

    line: int
    label: Label
    new_round: bool


class State(NamedTuple):
    """How far a reading has come: the last problem, whether it is solved, the last list item."""

    last: Label | None
    solved: bool
    item: int


class Reading(NamedTuple):
    """A reading of the labels up to some event: its score and what it chose, last first."""

    score: float
    chosen: tuple[Chosen, tuple] | None


def numbered(events: Sequence[Event], style: str) -> tuple[float, list[Chosen]]:
    """The problems among the labels of one style, and the score of this reading.

    Args:
        events: labels of this style, solutions and sections, in order.
        style: of the labels, of `labels.STYLES`.
    """
    guess = {event.line: first_look(event, events) for event in events if event.kind == "label"}
    loose = sum(event.kind == "solution" and event.label is None for event in until_section(events))
    unsolved = UNSOLVED
    score, chosen = best_reading(events, style, guess, unsolved)
    if loose < MOSTLY_SOLVED * max(1, len(chosen)):
        unsolved = 0.0
        score, chosen = best_reading(events, style, guess, unsolved)
    if len(chosen) > 2:
        look = second_look(events, chosen)
        score, chosen = best_reading(events, style, look, unsolved)
    return score, chosen


def until_section(events: Sequence[Event]) -> Sequence[Event]:
    """The events before the first section of solutions."""
    ends = [place for place, event in enumerate(events) if event.kind == "section"]
    return events[: ends[0]] if ends else events


def first_look(event: Event, events: Sequence[Event]) -> float:
    """What a label loses because others look more like headings."""
    labels = [other for other in events if other.kind == "label"]
    bold = sum(other.bold for other in labels)
    least = min(
        other.indent
        for other in labels
        if len(labels) < 3 or sum(abs(other.indent - more.indent) < 0.8 for more in labels) > 1
    ) if labels else 0.0
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
        event.label.text for event in events if event.kind == "solution" and event.label
    }
    beam: dict[State, Reading] = {State(None, True, 0): Reading(0.0, None)}
    in_section = False
    for event in events:
        after: dict[State, Reading] = {}
        if event.kind == "section":
            in_section = True
            for state, reading in beam.items():
                add(after, State(None, True, 0), reading.score, reading.chosen)
        elif event.kind == "solution":
            for state, reading in beam.items():
                add(after, *after_solution(state, event), reading)
        else:
            price = 0.0 if in_section else unsolved
            for state, reading in beam.items():
                for new, gain, chosen in read_label(state, event, style, look, price, solved_apart):
                    kept = (chosen, reading.chosen) if chosen else reading.chosen
                    add(after, new, reading.score + gain, kept)
        best = sorted(after.items(), key=lambda pair: -pair[1].score)[:BEAM]
        beam = dict(best)
    price = 0.0 if in_section else unsolved
    ends = [
        (reading.score - price * is_open(state, solved_apart), reading.chosen)
        for state, reading in beam.items()
    ]
    score, chain = max(ends, key=lambda end: end[0])
    chosen = []
    while chain:
        one, chain = chain
        chosen.append(one)
    return score, chosen[::-1]


def add(beam: dict[State, Reading], state: State, score: float, chosen: object) -> None:
    """Keep a reading if it is the best that ends in its state."""
    if isinstance(chosen, Reading):
        score, chosen = chosen.score + score, chosen.chosen
    if state not in beam or beam[state].score < score:
        beam[state] = Reading(score, chosen)  # type: ignore[arg-type]


def after_solution(state: State, event: Event) -> tuple[State, float]:
    """The state after a solution's word, and what it costs."""
    if state.last is None:
        return state, -SOLUTION_FIRST
    if event.label is not None and event.label.text != state.last.text:
        return state._replace(solved=True), 0.0
    return state._replace(solved=True, item=0), -SECOND_SOLUTION * state.solved


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
) -> list[tuple[State, float, Chosen | None]]:
    """The ways to read a label after a state: the new state, the gain, and what is chosen."""
    label = event.label
    assert label is not None
    unlike = look.get(event.line, 0.0)
    worded = style in WORDED
    neither = UNLIKE_NEITHER if unlike >= UNLIKE else MENTION if worded else NEITHER
    ways: list[tuple[State, float, Chosen | None]] = [(state, -neither, None)]
    if not worded and not label.under and not label.part:
        if label.number == state.item + 1 and state.item:
            ways.append((state._replace(item=label.number), 0.0, None))
        if label.number == 1:
            ways.append((state._replace(item=1), -LIST, None))
    step = cost_of_step(state.last, label, event.titled, worded)
    if step is not None:
        cost, new_round = step
        gain = PROBLEM - cost - unlike - unsolved * is_open(state, solved_apart)
        chosen = Chosen(event.line, label, new_round)
        ways.append((State(label, False, 0), gain, chosen))
    return ways


def cost_of_step(
    last: Label | None, label: Label, titled: bool, worded: bool
) -> tuple[float, bool] | None:
    """What it costs that a problem follows another, and whether it begins a round; None if it
    cannot."""
    skipped = SKIPPED_WORDED if worded else SKIPPED
    if last is None:
        late = (label.number - 1) * (0.1 if worded else LATE_FIRST)
        return min(0.5 if worded else 3.0, max(0.0, late)), False
    if titled and label.number == 1 and label.part <= 1:
        return RESTART_TITLED, True
    if label.under == last.under:
        ahead = label.number - last.number
        if ahead == 0 and label.extra != last.extra:
            return 0.0, False
        if ahead == 0 and label.part == last.part + 1:
            return 0.0, False
        if ahead == 1 and label.part <= 1:
            return 0.0, False
        if ahead > 1 and (worded or ahead <= 4):
            return min(1.6, skipped * (ahead - 1)) if worded else skipped * (ahead - 1), False
    elif len(label.under) == len(last.under) and label.under > last.under:
        return (0.0 if label.number <= 1 else min(1.6, skipped * (label.number - 1))), False
    if label.number == 1 and label.part <= 1:
        return RESTART, True
    return None
