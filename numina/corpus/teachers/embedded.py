"""The embedded teacher: it knows the families' own solutions and gets a seeded share of them wrong,
so that running the programs, dropping and retrying all really happen."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Mapping, Sequence

from numina.corpus.teachers.protocol import assemble, judged, printed_answer
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.sandbox.pool import SandboxPool
from numina.sandbox.result import Result
from numina.sources.family import Step


class EmbeddedTeacher:
    """Attempts the families' problems, one program after another until one fails.

    Args:
        steps: the known solutions by problem id.
        wrong_share: share of its attempts that have an error in a program.
        rng: for which attempts, and the error. Drawn from in the order of the attempts.
        pool: runs the programs.
    """

    name = "embedded"

    def __init__(
        self,
        steps: Mapping[str, Sequence[Step]],
        wrong_share: float,
        rng: random.Random,
        pool: SandboxPool,
    ) -> None:
        self.steps, self.wrong_share, self.rng, self.pool = steps, wrong_share, rng, pool

    def knows(self, problem: Problem) -> bool:
        return problem.id in self.steps

    def attempt(self, problem: Problem, sample: int) -> Awaitable[Attempt | None]:
        proposed = propose(self.steps[problem.id], self.rng, self.wrong_share)
        return self.run(problem, sample, proposed)

    async def run(self, problem: Problem, sample: int, steps: Sequence[Step]) -> Attempt:
        """Run the programs of an attempt, as far as they work."""
        results: list[Result] = []
        async with self.pool.session() as session:
            for step in steps:
                results.append(await session.run(step.program))
                if results[-1].status != "ok":
                    break
        text = assemble(steps, results, self.pool.params.output_chars)
        statuses, answer = [result.status for result in results], printed_answer(results)
        return judged(problem, sample, self.name, text, statuses, answer)


def propose(steps: Sequence[Step], rng: random.Random, wrong_share: float) -> list[Step]:
    """The known solution, or one with an error in a program."""
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
