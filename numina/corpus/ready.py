"""Check tool-integrated solutions that a source gives ready-made, such as NuminaMath-TIR's.

Their programs are run one after another in one session, as a trace's are. A solution is sound if
each program does what the text says that it did, and if the text states the row's answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import count, islice
from typing import NamedTuple

from numina.answer.equal import equal
from numina.answer.find import FAILED, find_answer
from numina.corpus.finished import NOTHING, FinishedParts
from numina.corpus.teachers.protocol import error_of
from numina.fences import blocks, dedented, outputs
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.rows import picked
from numina.sandbox.pool import SandboxPool, run_in
from numina.sandbox.result import Result

AT_ONCE = 256  # solutions in memory


class Ran(NamedTuple):
    """A program of a solution, and the output that its text states."""

    program: str
    stated: str


def programs_of(text: str) -> list[Ran]:
    """The programs of a solution, those before one output joined; without one it was not run."""
    found, waiting = [], []
    for block in blocks(text):
        if block.kind == "python":
            waiting.append(dedented(block.text))
        elif block.kind == "output" and waiting:
            found.append(Ran("\n".join(waiting), block.text))
            waiting = []
    return found


async def checked(
    problems: Sequence[Problem],
    places: Sequence[int],
    pool: SandboxPool | None,
    finished: FinishedParts = NOTHING,
) -> AsyncIterator[tuple[Problem, str]]:
    """The rows at some places, each with the rule that its solution breaks; "" if it is sound.

    Rules: ``no_program``, ``program_fails``, ``output_differs``, ``wrong_answer``.

    Args:
        problems: the table.
        places: of the rows.
        pool: runs the programs; None to trust all solutions.
        finished: parts whose programs are not run again.
    """
    found = picked(problems, places)
    if pool is None:
        for row in found:
            yield row, ""
        return
    for part in count():
        rows = list(islice(found, AT_ONCE))
        if not rows:
            return
        rules = finished.rules(part)
        if rules is None:
            rules = await broken_rules(rows, pool)
            finished.keep_rules(part, rules)
        for row, rule in zip(rows, rules, strict=True):
            yield row, rule


async def broken_rules(rows: Sequence[Problem], pool: SandboxPool) -> list[str]:
    """The first rule that each row's solution breaks, "" for none; its programs are run."""
    programs = [programs_of(row.tools) for row in rows]
    results = await run_in(pool, [[ran.program for ran in one] for one in programs])
    return [broken_rule(*each) for each in zip(rows, programs, results, strict=True)]


def broken_rule(row: Problem, programs: Sequence[Ran], results: Sequence[Result]) -> str:
    """The first rule that a solution breaks; "" if it is sound."""
    if not programs:
        return "no_program"
    for ran, result in zip(programs, results, strict=True):
        if result.status == "error" and (result.error_type or "?") in ran.stated:
            continue  # the text says so, too
        if result.status != "ok":
            return "program_fails"
        if not same_output(result.stdout, ran.stated):
            return "output_differs"
    stated = find_answer(row.tools)
    return "" if stated and equal(stated, row.answer).equal else "wrong_answer"


def same_output(printed: str, stated: str) -> bool:
    """Whether two outputs are the same, apart from spaces and the last digits of a number."""
    if printed.split() == stated.split():
        return True
    lines = printed.strip().splitlines(), stated.strip().splitlines()
    return len(lines[0]) == len(lines[1]) and all(
        one.split() == other.split() or close(one, other) for one, other in zip(*lines, strict=True)
    )


def close(one: str, other: str) -> bool:
    """Whether two lines are numbers that differ by rounding only."""
    try:
        left, right = float(one), float(other)
    except ValueError:
        return False
    return abs(left - right) <= 1e-9 * max(abs(left), abs(right))


def as_attempt(row: Problem) -> Attempt:
    """A ready-made solution that is sound, as an attempt."""
    shown = outputs(row.tools)
    return Attempt(
        problem_id=row.id,
        part=0,
        round=0,
        sample=0,
        teacher="source",
        text=row.tools,
        answer=row.answer,
        verdict="right",
        end="answer",
        errors=[error_of("error", text) if failed(text) else "" for text in shown],
    )


def failed(output: str) -> bool:
    """Whether the last line of an output is an exception."""
    return FAILED.match(output.strip().rpartition("\n")[2]) is not None
