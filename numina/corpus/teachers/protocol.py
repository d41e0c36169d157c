"""The interface of a teacher, which attempts problems, and how an attempt is judged."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Sequence
from typing import Protocol

from numina.answer.equal import equal
from numina.fences import CODE_END, CODE_START, OUTPUT_END, OUTPUT_START, outputs
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.sandbox.result import Result
from numina.sandbox.text import output_text
from numina.sources.family import Step

EXCEPTION = re.compile(r"[A-Za-z_][\w.]*")


class Teacher(Protocol):
    """Writes tool-integrated solutions and runs their programs; many attempts may wait at once."""

    @property
    def name(self) -> str:
        """Which teacher it is, in the attempts."""
        ...

    def knows(self, problem: Problem) -> bool:
        """Whether it can attempt a problem."""
        ...

    def attempt(self, problem: Problem, sample: int) -> Awaitable[Attempt | None]:
        """Attempt a problem.

        Attempts are asked for in a fixed order, but may end in any: what is drawn from random
        numbers that all attempts share must be drawn before the awaitable is returned.

        Args:
            problem: one that it knows.
            sample: which of the problem's attempts this is, from 0, over all rounds.

        Returns:
            The attempt, with its round and part left to the caller; None if it has no further one.

        Raises:
            UserError: no problem can be attempted any more.
        """
        ...


def first_that_knows(teachers: Sequence[Teacher], problem: Problem) -> Teacher | None:
    """The first of the teachers that knows a problem, or None."""
    return next((teacher for teacher in teachers if teacher.knows(problem)), None)


def judged(
    problem: Problem,
    sample: int,
    teacher: str,
    text: str,
    statuses: Sequence[str],
    answer: str,
    end: str = "answer",
) -> Attempt:
    """An attempt with its verdict. An answer that is a formula is compared in a worker process:
    call this in a thread if an event loop must not wait.

    Args:
        problem: what was asked.
        sample: which of the problem's attempts this is.
        teacher: who wrote it.
        text: the solution with the outputs of its programs.
        statuses: the sandbox's status of each program.
        answer: what the text states; "" if nothing.
        end: why it ended.
    """
    shown = outputs(text)
    errors = [error_of(*ran) for ran in zip(statuses, shown, strict=False)]
    return Attempt(
        problem_id=problem.id,
        part=0,
        round=0,
        sample=sample,
        teacher=teacher,
        text=text,
        answer=answer,
        verdict=verdict(problem, answer, errors, end),
        end=end,
        errors=errors,
    )


async def judged_trace(problem: Problem, sample: int, teacher: str, trace: Trace) -> Attempt:
    """A trace of an agent as an attempt with its verdict."""
    said = (trace.text, trace.block_statuses, trace.answer or "", trace.end)
    return await asyncio.to_thread(judged, problem, sample, teacher, *said)


def verdict(problem: Problem, answer: str, errors: Sequence[str], end: str) -> str:
    """The verdict on an attempt; see `Attempt`."""
    if end != "answer" or not answer or not errors or errors[-1]:
        return "failed"
    return "right" if equal(answer, problem.answer).equal else "wrong"


def error_of(status: str, output: str) -> str:
    """The kind of error of a program from its status and output; "" if it worked."""
    if status == "ok":
        return "" if output.strip() else "empty_output"
    last = output.strip().rpartition("\n")[2]
    named = EXCEPTION.match(last) if status == "error" else None
    return named[0] if named else status


def assemble(steps: Sequence[Step], results: Sequence[Result], output_chars: int) -> str:
    """A solution's text, with outputs in the form that the model sees when it decodes.

    It ends with the last output if its program failed, else with the answer that was printed.
    """
    parts = [
        f"{step.thought}\n{CODE_START}{step.program}\n{CODE_END}\n"
        f"{OUTPUT_START}{output_text(result, output_chars)}\n{OUTPUT_END}"
        for step, result in zip(steps, results, strict=False)
    ]
    answer = printed_answer(results)
    return "".join(parts) + (f"The answer is $\\boxed{{{answer}}}$." if answer else "")


def printed_answer(results: Sequence[Result]) -> str:
    """The last line that the last program printed; "" if it failed or printed nothing."""
    lines = results[-1].stdout.strip().splitlines() if results[-1].status == "ok" else []
    return lines[-1].strip() if lines else ""
