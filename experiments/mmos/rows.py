"""Turn tool-integrated solutions into single-step ones: one program, whose last output answers.

    python -m experiments.stage mmos experiments.mmos.rows --tir data/tir \
        --out experiments/mmos/data

Every program is run. Rows that one program does not solve are left out, and counted by reason.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from itertools import islice

from experiments.mmos.merge import Step, candidates, single_step, steps_of
from numina import entry, settings
from numina.answer.equal import equal
from numina.corpus.sifted import Sifted, sifted_rows
from numina.errors import UserError
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import StoredProblems
from numina.sandbox.pool import SandboxPool, run_in
from numina.sandbox.result import Result
from numina.sandbox.text import output_text
from numina.settings import Params

AT_ONCE = 256  # rows in memory


def main() -> str:
    args = entry.paths(__doc__, "tir", "out")
    params = settings.load("sandbox", "hardware")
    problems = StoredProblems(args.tir / "train")
    with sifted_rows(args.out, "train") as rows:
        asyncio.run(sift(problems, params, rows))
        if not rows.kept:
            raise UserError(
                f"{problems.path}: no row can be one program; left out: {rows.left_out}"
            )
    return f"{rows.kept} single-step samples; left out: {rows.left_out}"


async def sift(problems: Sequence[Problem], params: Params, rows: Sifted) -> None:
    """Keep the rows that one program solves, and reject the others.

    Args:
        problems: with tool-integrated solutions.
        params: the sections sandbox and hardware.
        rows: takes them.
    """
    async with SandboxPool(params.sandbox, params.hardware.sandbox) as pool:
        async for row in merged_rows(problems, pool, params.sandbox.output_chars):
            rows.take(row)


async def merged_rows(
    problems: Sequence[Problem], pool: SandboxPool, output_chars: int
) -> AsyncIterator[Problem | Removal]:
    """Each row with one program, or why it has none.

    Rules: ``no_program``: none was run. ``program_fails``: the merged program does not run in a new
    interpreter. ``output_differs``: it prints something else than the last program did.
    ``not_the_answer``: its last line is not the answer.
    """
    given = iter(problems)
    while part := list(islice(given, AT_ONCE)):
        steps = [steps_of(row.solution) for row in part]
        tried = [[code for code in candidates(of_row) if code] for of_row in steps]
        asked = [[code] for codes in tried for code in codes]
        results = iter(await run_in(pool, asked))
        for row, of_row, codes in zip(part, steps, tried, strict=True):
            ran = [next(results)[0] for _ in codes]
            yield chosen(row, of_row, codes, ran, output_chars)


def chosen(
    row: Problem, steps: Sequence[Step], codes: Sequence[str], ran: Sequence[Result], limit: int
) -> Problem | Removal:
    """The row with the first of some programs that stands for its steps."""
    rules = ["no_program"]
    for code, result in zip(codes, ran, strict=True):
        output = output_text(result, limit)
        rule = broken_rule(result, output, steps[-1].output, row.answer)
        if not rule:
            return dataclasses.replace(row, solution=single_step(steps, code, output), tools="")
        rules.append(rule)
    return Removal(row, rules[-1])


def broken_rule(result: Result, output: str, stated: str, answer: str) -> str:
    """The rule that a program breaks; "" if its output is that of the last step, and the answer."""
    if result.status != "ok":
        return "program_fails"
    last = last_line(output)
    if last.split() != last_line(stated).split():
        return "output_differs"
    return "" if equal(last, answer).equal else "not_the_answer"


def last_line(text: str) -> str:
    """The last line of a text; "" without one."""
    return text.strip().rpartition("\n")[2]


if __name__ == "__main__":
    entry.run(main)
