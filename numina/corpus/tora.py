"""Tool-integrated samples in ToRA's form (Gou et al. 2023, arXiv 2309.17452), made in rounds.

A teacher proposes reasoning and programs for each problem with an integer answer; the programs
are run, solutions with a wrong final answer are dropped, and what failed is tried again in the
next round. The embedded teacher knows the families' own solutions and goes wrong with a seeded
share, so that running the programs, dropping and retrying all really happen.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from numina.answer.equal import as_integer, equal
from numina.fences import CODE_END, CODE_START, OUTPUT_END, OUTPUT_START
from numina.records.dropped import Dropped
from numina.records.problem import Problem
from numina.sandbox.pool import SandboxPool, run_in
from numina.sandbox.session import Result
from numina.sandbox.text import output_text
from numina.settings.data import TirData
from numina.settings.decoding import Sandbox
from numina.settings.hardware import SandboxHardware
from numina.sources.family import Step


@dataclass(frozen=True, slots=True)
class Attempted:
    """The tool-integrated samples, and what became of everything else.

    Attributes:
        samples: solved rows with programs and their outputs.
        rounds: how each round went.
        dropped: the other rows, by rule: ``not_integer``, ``no_teacher`` (nobody knows a solution),
            ``not_drawn``, ``unsolved`` (wrong in every round).
        layers: the sandbox's layers of isolation, and whether each was there.
    """

    samples: list[Problem]
    rounds: list[Round]
    dropped: list[Dropped]
    layers: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Round:
    """How one round went: attempts, right and wrong answers, and programs that failed."""

    attempts: int
    correct: int
    wrong: int
    failed: int


def propose(steps: Sequence[Step], rng: random.Random, wrong_share: float) -> list[Step]:
    """The embedded teacher's attempt: the known solution, or one with a slip in a program."""
    if rng.random() >= wrong_share:
        return list(steps)
    place = rng.randrange(len(steps))
    slip = rng.choice([slip_of_number, slip_of_name])
    return [
        Step(step.thought, slip(step.program, rng) if i == place else step.program)
        for i, step in enumerate(steps)
    ]


def slip_of_number(program: str, rng: random.Random) -> str:
    """Change one number of a program by one."""
    numbers = list(re.finditer(r"\b\d+\b", program))
    if not numbers:
        return slip_of_name(program, rng)
    match = rng.choice(numbers)
    return f"{program[: match.start()]}{int(match[0]) + 1}{program[match.end() :]}"


def slip_of_name(program: str, rng: random.Random) -> str:
    """Misspell the name that the program prints."""
    return program.replace("print(", "print(the_", 1)


def assemble(steps: Sequence[Step], results: Sequence[Result], output_chars: int) -> str:
    """The solution's text, with the outputs as the model is shown them when it decodes."""
    parts = [
        f"{step.thought}\n{CODE_START}{step.program}\n{CODE_END}\n"
        f"{OUTPUT_START}{output_text(result, output_chars)}\n{OUTPUT_END}"
        for step, result in zip(steps, results, strict=True)
    ]
    return "".join(parts) + f"The answer is $\\boxed{{{final_line(results)}}}$."


def final_line(results: Sequence[Result]) -> str:
    """What the last program printed last; "" where it printed nothing."""
    lines = results[-1].stdout.strip().splitlines()
    return lines[-1].strip() if lines else ""


async def tir_samples(
    problems: Sequence[Problem],
    teacher: dict[str, list[Step]],
    params: TirData,
    sandbox: Sandbox,
    hardware: SandboxHardware,
) -> Attempted:
    """Let the teacher solve the problems in rounds, running its programs.

    Args:
        problems: candidates; those with an integer answer that the teacher knows are tried.
        teacher: known steps by problem id.
        params: the stage's knobs.
        sandbox, hardware: limits of the programs.
    """
    rng = random.Random(params.seed)
    dropped = {row.id: rule for row in problems if (rule := untried(row, teacher))}
    chosen = sorted((row for row in problems if row.id not in dropped), key=lambda row: row.id)
    open_rows = rng.sample(chosen, min(params.max_rows, len(chosen)))
    dropped |= {row.id: "not_drawn" for row in chosen} | {row.id: "unsolved" for row in open_rows}
    samples: list[Problem] = []
    rounds: list[Round] = []
    async with SandboxPool(sandbox, hardware) as pool:
        for _ in range(params.rounds):
            if not open_rows:
                break
            attempts = [propose(teacher[row.id], rng, params.wrong_share) for row in open_rows]
            results = await run_in(pool, [[s.program for s in steps] for steps in attempts])
            missed, failed = [], 0
            for row, steps, ran in zip(open_rows, attempts, results, strict=True):
                failed += any(result.status != "ok" for result in ran)
                if all(result.status == "ok" for result in ran) and (
                    equal(final_line(ran), row.answer).equal
                ):
                    solution = assemble(steps, ran, sandbox.output_chars)
                    samples.append(dataclasses.replace(row, solution=solution))
                    del dropped[row.id]
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
    left_out = [Dropped(name, rule) for name, rule in dropped.items()]
    return Attempted(samples, rounds, left_out, pool.layers)


def untried(row: Problem, teacher: dict[str, list[Step]]) -> str:
    """The rule by which a row is not given to the teacher; "" where it is."""
    if as_integer(row.answer) is None:
        return "not_integer"
    return "" if row.id in teacher else "no_teacher"
