"""Tool-integrated samples in ToRA's form (Gou et al. 2023, arXiv 2309.17452), made in rounds.

A teacher proposes reasoning and programs for each problem with an integer answer; the programs
are run, solutions with a wrong final answer are dropped, and failed problems are tried again in the
next round. The embedded teacher knows the families' own solutions and gets a seeded share of
them wrong (`numina.corpus.slips`), so that running the programs, dropping and retrying all really
happen. A program that failed and was mended by the next one is kept, with its output.

Rows that come with a tool-integrated solution need no teacher: their programs are run and compared
with their text (`numina.corpus.ready`), or trusted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from numina.answer.equal import as_integer, equal
from numina.corpus.ready import as_sample, checked
from numina.corpus.sifted import Sifted
from numina.corpus.slips import propose
from numina.corpus.teacher import Teacher
from numina.fences import CODE_END, CODE_START, OUTPUT_END, OUTPUT_START
from numina.records.problem import Problem
from numina.rows import picked
from numina.sandbox.pool import SandboxPool, run_in
from numina.sandbox.session import Result
from numina.sandbox.text import output_text
from numina.settings.data import TirData
from numina.settings.decoding import Sandbox
from numina.settings.hardware import SandboxHardware
from numina.sources.family import Step

OpenTeacher = Callable[[SandboxPool], AbstractAsyncContextManager[Teacher]]


@dataclass(frozen=True, slots=True)
class Attempted:
    """How the attempts went.

    Attributes:
        rounds: of the teacher.
        ready: ready-made solutions that were kept.
        layers: the sandbox's layers of isolation, and whether each was active.
    """

    rounds: list[Round]
    ready: int
    layers: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Round:
    """How one round went: attempts, right and wrong answers, and programs that failed."""

    attempts: int
    correct: int
    wrong: int
    failed: int


def assemble(steps: Sequence[Step], results: Sequence[Result], output_chars: int) -> str:
    """The solution's text, with outputs in the form that the model sees when it decodes."""
    parts = [
        f"{step.thought}\n{CODE_START}{step.program}\n{CODE_END}\n"
        f"{OUTPUT_START}{output_text(result, output_chars)}\n{OUTPUT_END}"
        for step, result in zip(steps, results, strict=True)
    ]
    return "".join(parts) + f"The answer is $\\boxed{{{final_line(results)}}}$."


def final_line(results: Sequence[Result]) -> str:
    """The last line that the last program printed; "" if it failed or printed nothing."""
    lines = results[-1].stdout.strip().splitlines() if results[-1].status == "ok" else []
    return lines[-1].strip() if lines else ""


async def tir_samples(
    problems: Sequence[Problem],
    teacher: dict[str, list[Step]],
    params: TirData,
    sandbox: Sandbox,
    hardware: SandboxHardware,
    rows: Sifted,
    open_teacher: OpenTeacher | None = None,
) -> Attempted:
    """Let the teacher solve the problems in rounds, running its programs; check ready-made ones.

    Rules that leave a row out: ``not_integer``, ``no_teacher`` (no known solution), ``not_drawn``,
    ``unsolved`` (wrong in every round), and those of `numina.corpus.ready`.

    Args:
        problems: candidates; those with a ready-made solution, or with an integer answer that the
            teacher knows, are tried.
        teacher: known steps by problem id.
        params: the stage's knobs.
        sandbox, hardware: limits of the programs.
        rows: takes the samples and the rows left out.
        open_teacher: opens a teacher that is asked instead, and knows no steps.
    """
    rng = random.Random(params.seed)
    chosen: list[tuple[str, int, bool]] = []
    for place, row in enumerate(problems):
        if rule := untried(row, None if open_teacher else teacher):
            rows.leave_out(row, rule)
        else:
            chosen.append((row.id, place, bool(row.tools)))
    drawn = rng.sample(sorted(chosen), min(params.max_rows, len(chosen)))
    left = sorted({place for _, place, _ in chosen} - {place for _, place, _ in drawn})
    for row in picked(problems, left):
        rows.leave_out(row, "not_drawn")
    ready = [place for _, place, is_ready in drawn if is_ready]
    taught = list(picked(problems, [place for _, place, is_ready in drawn if not is_ready]))
    async with SandboxPool(sandbox, hardware) as pool:
        if open_teacher:
            async with open_teacher(pool) as served:
                rounds = await served_rounds(taught, served, params.rounds, rows)
        else:
            rounds = await in_rounds(taught, teacher, params, sandbox, rng, pool, rows)
        kept = rows.kept
        if params.trust_ready:
            for row in picked(problems, ready):
                rows.keep(as_sample(row))
        else:
            async for row, rule in checked(problems, ready, pool):
                rows.leave_out(row, rule) if rule else rows.keep(as_sample(row))
    return Attempted(rounds, rows.kept - kept, pool.layers)


async def in_rounds(
    open_rows: list[Problem],
    teacher: dict[str, list[Step]],
    params: TirData,
    sandbox: Sandbox,
    rng: random.Random,
    pool: SandboxPool,
    rows: Sifted,
) -> list[Round]:
    """Let the teacher attempt problems until they are solved or the rounds are over."""
    rounds: list[Round] = []
    for _ in range(params.rounds):
        if not open_rows:
            break
        attempts = [
            propose(teacher[row.id], rng, params.wrong_share, params.mended_share)
            for row in open_rows
        ]
        results = await run_in(pool, [[s.program for s in steps] for steps in attempts])
        missed, failed = [], 0
        for row, steps, ran in zip(open_rows, attempts, results, strict=True):
            failed += not final_line(ran)
            if equal(final_line(ran), row.answer).equal:
                solution = assemble(steps, ran, sandbox.output_chars)
                rows.keep(dataclasses.replace(row, solution=solution))
            else:
                missed.append(row)
        rounds.append(
            Round(
                attempts=len(open_rows),
                correct=len(open_rows) - len(missed),
                wrong=len(missed) - failed,
                failed=failed,
            )
        )
        open_rows = missed
    for row in open_rows:
        rows.leave_out(row, "unsolved")
    return rounds


async def served_rounds(
    open_rows: list[Problem], teacher: Teacher, most: int, rows: Sifted
) -> list[Round]:
    """Let a teacher attempt problems until they are solved or the rounds are over."""
    rounds: list[Round] = []
    for number in range(most):
        if not open_rows:
            break
        traces = await asyncio.gather(*[teacher.attempt(row, number) for row in open_rows])
        missed, failed = [], 0
        for row, trace in zip(open_rows, traces, strict=True):
            ran_well = trace.block_statuses[-1:] == ["ok"]
            failed += not ran_well
            if ran_well and trace.answer and equal(trace.answer, row.answer).equal:
                rows.keep(dataclasses.replace(row, solution=trace.text))
            else:
                missed.append(row)
        correct = len(open_rows) - len(missed)
        rounds.append(Round(len(open_rows), correct, len(missed) - failed, failed))
        open_rows = missed
    for row in open_rows:
        rows.leave_out(row, "unsolved")
    return rounds


def untried(row: Problem, teacher: dict[str, list[Step]] | None) -> str:
    """The rule that keeps a row from being tried; "" if none does."""
    if row.tools:
        return ""
    if as_integer(row.answer) is None:
        return "not_integer"
    return "" if teacher is None or row.id in teacher else "no_teacher"
