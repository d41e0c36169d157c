"""The embedded corpus: every family's programs give its answer, and the two sides never meet."""

import contextlib
import io
import re

import pytest

from numina.corpus.catalog import FAMILIES, training_problems, validation_problems
from numina.corpus.family import Draw, Family


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


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_numbers_never_repeat_between_training_and_validation(family: Family):
    train = {draw.numbers for draw in family.draws(1, 30, validation=False)}
    valid = {draw.numbers for draw in family.draws(1, 30, validation=True)}
    assert len(train) == len(valid) == 30
    assert not train & valid


def test_there_are_enough_families_of_every_subject_and_level():
    assert len(FAMILIES) >= 24
    assert {family.level for family in FAMILIES} == {1, 2, 3, 4, 5}
    subjects = {"algebra", "number_theory", "counting", "geometry", "sequences"}
    assert {family.subject for family in FAMILIES} == subjects
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert sum(len(family.draws(1, 1, validation=False)[0].steps) > 1 for family in FAMILIES) >= 4


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
