"""How many traces cost the others little, from what completions took."""

import pytest

from numina.agent.pace import Pace


def measured(fixed: float, each: float, counts: list[int]) -> Pace:
    """A pace whose steps take `fixed + each * rows` seconds."""
    now = [0.0]
    pace = Pace(lambda: now[0])
    for rows in counts:
        opened = [pace.decoding() for _ in range(rows)]
        decoded = [context.__enter__() for context in opened]
        now[0] += 10 * (fixed + each * rows)
        for told, context in zip(decoded, opened, strict=True):
            told(10)
            context.__exit__(None, None, None)
    return pace


def test_until_enough_is_known_all_are_begun():
    assert Pace().room(3, 16) == 16
    assert measured(1.0, 0.1, [4, 4, 4]).room(3, 16) == 16


@pytest.mark.parametrize(
    ("fixed", "each", "needed", "room"),
    [
        (1.0, 0.001, 9, 16),  # a card: a step costs the same with any number
        (1.0, 0.1, 9, 16),
        (1.0, 0.1, 1, 6),  # half of 1.1, in tenths
        (0.0, 1.0, 4, 6),  # a step costs what its rows cost
        (0.0, 1.0, 9, 13),
        (1.0, 0.0, 9, 16),
    ],
)
def test_further_traces_may_slow_the_others_by_half(fixed, each, needed, room):
    assert measured(fixed, each, [2, 4, 8, 16]).room(needed, 16) == pytest.approx(room, abs=0.01)


def test_the_number_side_by_side_is_its_mean_over_a_completion():
    now = [0.0]
    pace = Pace(lambda: now[0])
    with pace.decoding() as first:
        now[0] = 1.0
        with pace.decoding():
            now[0] = 3.0
        now[0] = 4.0
        first(4)
    assert list(pace.known) == [(1.5, 1.0)]
