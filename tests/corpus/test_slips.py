"""The embedded teacher's slips: every one fails for real, and the next program mends it."""

import asyncio
from random import Random

import pytest

from numina.corpus.selection import select
from numina.corpus.sifted import Sifted
from numina.corpus.slips import KINDS, propose, slips
from numina.corpus.teachers.protocol import printed_answer
from numina.corpus.tora import attempts
from numina.fences import failed, outputs
from numina.sandbox.pool import SandboxPool, run_in
from numina.sources.catalog import FAMILIES, training_problems
from tests.conftest import SANDBOX, SANDBOX_HARDWARE, changed_params

STEPS = {family.name: family.draws(3, 1, validation=False)[0] for family in FAMILIES}


def test_every_slip_fails_and_the_program_after_it_mends_it():
    cases = [
        (draw, place, slip)
        for draw in STEPS.values()
        for place, step in enumerate(draw.steps)
        for slip in slips(step.program)
    ]
    attempts = []
    for draw, place, slip in cases:
        programs = [step.program for step in draw.steps]
        attempts.append([*programs[:place], slip.program, *programs[place:]])

    async def run():
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            return await run_in(pool, attempts)

    errors = set()
    for (draw, place, slip), results in zip(cases, asyncio.run(run()), strict=True):
        failed = results.pop(place)
        assert failed.status == "error" or not failed.stdout.strip(), slip
        assert [result.status for result in results] == ["ok"] * len(draw.steps), slip
        assert printed_answer(results) == str(draw.answer), slip
        errors.add(failed.error_type)
    expected = {"NameError", "TypeError", "IndexError", "ImportError", "SyntaxError"}
    assert errors >= expected | {"ZeroDivisionError", None}


def test_every_kind_of_slip_occurs():
    programs = [step.program for draw in STEPS.values() for step in draw.steps]
    for kind in KINDS:
        assert any(kind(program) is not None for program in programs), kind.__name__


@pytest.mark.parametrize(
    ("wrong", "mended", "lengths"),
    [
        (0.0, 1.0, {3}),  # always right
        (1.0, 1.0, {4}),  # a program that fails, and the same step again
        (1.0, 0.0, {1, 2, 3}),  # ends at the program that fails, or prints something else
    ],
)
def test_the_shares_are_kept_to(wrong, mended, lengths):
    steps = STEPS["grid_paths_avoiding"].steps
    rng = Random(1)
    proposed = [propose(steps, rng, wrong, mended) for _ in range(200)]
    assert {len(attempt) for attempt in proposed} == lengths
    assert all(attempt != list(steps) for attempt in proposed) == bool(wrong)


def test_a_program_that_the_next_one_mended_is_kept_with_its_output():
    drawn = training_problems(42, 1)
    teacher = {row.id: list(draw.steps) for row, draw in drawn}
    shares = {"tir_data.wrong_share": 1, "tir_data.mended_share": 1}
    params = changed_params({**shares, "tir_select.recovery_share": 1})
    tried, made, samples = [], [], []
    problems = [row for row, _ in drawn]
    asyncio.run(attempts(problems, teacher, params, Sifted(tried.append, print), made.append))
    assert all(attempt.recovered for attempt in made)
    select(tried, made, params.tir_select, Sifted(samples.append, print))
    assert len(samples) == len(drawn)
    for sample in samples:
        shown = [failed(output) for output in outputs(sample.solution)]
        assert shown.count(True) == 1
        assert not shown[-1]
