"""Which problems of the table are tried for tool-integrated solutions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from numina.answer.equal import as_integer, read_answer
from numina.corpus.sifted import Sifted
from numina.corpus.teachers.protocol import Teacher, first_that_knows
from numina.records.problem import Problem
from numina.rows import picked
from numina.settings.data import TirData


@dataclass(frozen=True, slots=True)
class Drawn:
    """The problems that are tried, by their places in the table and in the order of the draw.

    Attributes:
        ready: those with a ready-made solution.
        taught: those that a teacher is asked.
    """

    ready: Sequence[int]
    taught: Sequence[int]


def draw(
    problems: Sequence[Problem],
    teachers: Sequence[Teacher],
    params: TirData,
    rng: random.Random,
    rows: Sifted,
) -> Drawn:
    """Draw `max_rows` problems, of which the share `integers` at least has a whole answer or a
    ready-made solution.

    Rules that leave a row out: ``not_number`` (``not_integer`` if every answer must be one),
    ``no_teacher``, ``not_drawn``.

    Args:
        problems: the table.
        teachers: of which one must know a problem that has no ready-made solution.
        params: the stage's knobs.
        rng: of the choice.
        rows: takes the rows left out.
    """
    whole: list[tuple[str, int]] = []
    others: list[tuple[str, int]] = []
    ready: set[int] = set()
    for place, row in enumerate(problems):
        if row.tools:
            ready.add(place)
            whole.append((row.id, place))
        elif as_integer(row.answer) is None and params.integers == 1:
            rows.leave_out(row, "not_integer")
        elif not is_number(row.answer):
            rows.leave_out(row, "not_number")
        elif first_that_knows(teachers, row) is None:
            rows.leave_out(row, "no_teacher")
        else:
            (others if as_integer(row.answer) is None else whole).append((row.id, place))
    most = most_others(params, len(whole), len(others))
    drawn = rng.sample(sorted(whole), min(params.max_rows - most, len(whole)))
    drawn += rng.sample(sorted(others), most)
    places = [place for _, place in drawn]
    left = sorted({place for _, place in whole + others} - set(places))
    for row in picked(problems, left):
        rows.leave_out(row, "not_drawn")
    return Drawn(
        ready=[place for place in places if place in ready],
        taught=[place for place in places if place not in ready],
    )


def is_number(answer: str) -> bool:
    """Whether an answer is a rational number."""
    if as_integer(answer) is not None:
        return True
    number = read_answer(answer).number
    return number is not None and not number.irrational


def most_others(params: TirData, whole: int, others: int) -> int:
    """How many answers that are not whole can be drawn."""
    share = 1 - params.integers
    room = int(params.max_rows * share)
    if params.integers:
        room = min(room, int(whole * share / params.integers))
    return min(others, room)
