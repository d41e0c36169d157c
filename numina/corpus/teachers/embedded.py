"""The embedded teacher: it knows the families' own solutions and gets a seeded share of them wrong
(`numina.corpus.slips`), so that running the programs, dropping and retrying all really happen. Some
of the programs that fail are mended by the next one."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Mapping, Sequence

from numina.corpus.slips import propose
from numina.corpus.teachers.protocol import assemble, judged, printed_answer
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.sandbox.pool import SandboxPool
from numina.sources.family import Step


class EmbeddedTeacher:
    """Attempts the families' problems.

    Args:
        steps: the known solutions by problem id.
        wrong_share: share of its attempts that have an error in a program.
        mended_share: share of these in which a program fails and the next one mends it.
        rng: for which attempts, and the error. Drawn from in the order of the attempts.
        pool: runs the programs.
    """

    name = "embedded"

    def __init__(
        self,
        steps: Mapping[str, Sequence[Step]],
        wrong_share: float,
        mended_share: float,
        rng: random.Random,
        pool: SandboxPool,
    ) -> None:
        self.steps, self.rng, self.pool = steps, rng, pool
        self.wrong_share, self.mended_share = wrong_share, mended_share

    def knows(self, problem: Problem) -> bool:
        return problem.id in self.steps

    def attempt(self, problem: Problem, sample: int) -> Awaitable[Attempt | None]:
        known = self.steps[problem.id]
        proposed = propose(known, self.rng, self.wrong_share, self.mended_share)
        return self.run(problem, sample, proposed)

    async def run(self, problem: Problem, sample: int, steps: Sequence[Step]) -> Attempt:
        """Run the programs of an attempt."""
        async with self.pool.session() as session:
            results = [await session.run(step.program) for step in steps]
        text = assemble(steps, results, self.pool.params.output_chars)
        statuses, answer = [result.status for result in results], printed_answer(results)
        return judged(problem, sample, self.name, text, statuses, answer)
