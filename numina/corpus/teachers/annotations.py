"""GSM8K's calculator annotations as an offline teacher for real rows; see
`numina.corpus.calculator`."""

from __future__ import annotations

from dataclasses import dataclass

from numina.corpus.calculator import program_of
from numina.corpus.teachers.protocol import assemble, judged, printed_answer
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.sandbox.pool import SandboxPool
from numina.sources.family import Step

THOUGHT = "We compute it step by step."


@dataclass(frozen=True, slots=True)
class AnnotationsTeacher:
    """Knows one solution to each problem whose annotations lead to the answer.

    Attributes:
        pool: runs the programs.
    """

    pool: SandboxPool
    name: str = "annotations"

    def knows(self, problem: Problem) -> bool:
        return program_of(problem.solution, problem.problem, problem.answer) is not None

    async def attempt(self, problem: Problem, sample: int) -> Attempt | None:
        program = program_of(problem.solution, problem.problem, problem.answer)
        if sample or program is None:
            return None
        async with self.pool.session() as session:
            result = await session.run(program)
        text = assemble([Step(THOUGHT, program)], [result], self.pool.params.output_chars)
        answer = printed_answer([result])
        return judged(problem, sample, self.name, text, [result.status], answer)
