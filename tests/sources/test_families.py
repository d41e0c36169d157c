"""The embedded corpus: every family's programs give its answer, and the two sides never meet."""

import contextlib
import io
import re
from random import Random

import pytest

from numina.errors import UserError
from numina.sources.catalog import FAMILIES, training_problems, validation_problems
from numina.sources.family import Draw, Family


def run_steps(draw: Draw) -> str:
    """What the programs print, run here as they are of our own writing."""
    printed, names = io.StringIO(), {}
    with contextlib.redirect_stdout(printed):
        for step in draw.steps:
            exec(step.program, names)
    return printed.getvalue()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_programs_give_the_answer_that_the_family_works_out(family: Family):
    for side in (False, True):
        for draw in family.draws(3, 12, validation=side):
            assert run_steps(draw).splitlines()[-1] == str(draw.answer), draw
            assert draw.answer >= 0
            assert str(draw.answer) in draw.chain


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_wording_states_the_same_problem_in_other_words(family: Family):
    for draw in family.draws(5, 6, validation=False):
        assert len(draw.statements) >= 3
        assert len(set(draw.statements)) == len(draw.statements)
        for statement in draw.statements:
            assert statement.count("$") % 2 == 0
            assert statement.rstrip()[-1] in "?."
            assert not re.search(r"[{}]{3}|None|  ", statement), statement


def canonical(draw: Draw) -> tuple[int, ...]:
    return draw.canonical or draw.numbers


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_problem_is_on_both_sides_of_the_border(family: Family):
    train = family.draws(1, 200, validation=False)
    valid = family.draws(1, 60, validation=True)
    assert len(train) >= 30
    assert len(valid) >= 30
    assert not {draw.numbers for draw in train} & {draw.numbers for draw in valid}
    assert not {canonical(draw) for draw in train} & {canonical(draw) for draw in valid}


# The numbers of the same problem with its two sides, or its two divisors, exchanged.
MIRRORED = {
    "committees": lambda a, b, j, k: (b, a, k, j),
    "grid_paths": lambda a, b: (b, a),
    "grid_paths_through": lambda a, b, c, d: (b, a, d, c),
    "grid_paths_avoiding": lambda a, b, c, d: (b, a, d, c),
    "squared_triangle_area": lambda a, b, c: (b, c, a),
    "two_remainders": lambda a, r, b, s: (b, s, a, r),
}


@pytest.mark.parametrize("name", MIRRORED)
def test_a_problem_and_its_mirror_image_are_on_one_side(name):
    (family,) = [family for family in FAMILIES if family.name == name]
    rng = Random(1)
    draws = {draw.numbers: draw for draw in (family.draw(rng) for _ in range(4000))}
    pairs = 0
    for numbers, draw in draws.items():
        image = draws.get(MIRRORED[name](*numbers))
        if image is not None and image is not draw:
            pairs += 1
            assert canonical(image) == canonical(draw)
            assert image.answer == draw.answer
            assert image.on_validation_side(name) == draw.on_validation_side(name)
    assert pairs > 100


def test_paths_through_a_point_and_back_are_on_one_side():
    (family,) = [family for family in FAMILIES if family.name == "grid_paths_through"]
    rng = Random(1)
    draws = {draw.numbers: draw for draw in (family.draw(rng) for _ in range(4000))}
    for (a, b, c, d), draw in draws.items():
        back = draws.get((a, b, a - c, b - d), draw)
        assert (canonical(back), back.answer) == (canonical(draw), draw.answer)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: training_problems(42, 99999),
            r"collect\.per_family: 99999 asks for \d+ training problems of family "
            r"\w+, which has \d+",
        ),
        (
            lambda: validation_problems(2025, 1, 3, 100000),
            r"count: 100000 \(levels 1 to 3\) asks for \d+ validation problems of family "
            r"\w+, which has \d+",
        ),
    ],
)
def test_more_than_a_family_has_is_refused_with_what_it_has(ask, message):
    with pytest.raises(UserError, match=message):
        ask()


def test_there_are_enough_families_of_every_subject_and_level():
    assert len(FAMILIES) >= 40
    assert {family.level for family in FAMILIES} == {1, 2, 3, 4, 5}
    subjects = {"algebra", "number_theory", "counting", "geometry", "sequences"}
    assert {family.subject for family in FAMILIES} == subjects
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    steps = [family.draws(1, 1, validation=False)[0].steps for family in FAMILIES]
    assert sum(len(row) > 1 for row in steps) >= 12
    assert sum(len(row) > 2 for row in steps) >= 3
    assert sum(any("sympy" in step.program for step in row) for row in steps) >= 8


def test_held_out_families_and_last_wordings_are_never_trained_on():
    held_out = {family.name for family in FAMILIES if family.share == 0}
    trained = training_problems(42, 4)
    assert held_out
    assert not held_out & {problem.source for problem, _ in trained}
    assert all(problem.problem != draw.statements[-1] for problem, draw in trained)


def test_a_split_is_spread_evenly_and_the_same_again():
    rows = validation_problems(7, 4, 5, 20)
    counts = {row.source: 0 for row in rows}
    for row in rows:
        counts[row.source] += 1
    assert len(rows) == 20
    assert max(counts.values()) - min(counts.values()) <= 1
    assert rows == validation_problems(7, 4, 5, 20)
    assert rows != validation_problems(8, 4, 5, 20)
