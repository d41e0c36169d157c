"""Self-consistency with tool-integrated reasoning: N traces of a problem, and a vote."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from numina.engine.protocol import Engine
from numina.records import Problem, Trace, Verdict
from numina.sandbox.pool import Pool
from numina.sctir.trace import TraceLimits, run_trace
from numina.sctir.vote import margin, tally, traces_needed
from numina.settings import Sandbox, Sctir, UserError
from numina.template import Template


def sctir_limits(sctir: Sctir, sandbox: Sandbox) -> TraceLimits:
    """The limits of a sampled trace."""
    return TraceLimits(
        temperature=sctir.temperature,
        top_p=sctir.top_p,
        max_new_tokens=sctir.max_new_tokens,
        max_context=sctir.max_context,
        depth=sctir.depth,
        output_chars=sandbox.output_chars,
        integer_only=sctir.integer_only,
    )


def prompt_for(engine: Engine, template: Template, problem: Problem, max_context: int) -> str:
    """The prompt of a problem.

    Raises:
        UserError: the problem is empty, or leaves no room for an answer.
    """
    prompt = template.render(problem.problem)
    if not problem.problem.strip():
        raise UserError(f"problem {problem.id}: the statement is empty")
    length = engine.count_tokens(prompt)
    if length >= max_context:
        raise UserError(
            f"problem {problem.id}: {length} tokens leave no room in max_context {max_context}"
        )
    return prompt


async def solve(
    engine: Engine,
    pool: Pool,
    prompt: str,
    problem_id: str,
    seed: int,
    sctir: Sctir,
    limits: TraceLimits,
    on_trace: Callable[[Trace], object],
) -> Verdict:
    """Sample up to `sctir.n` traces of one problem and vote.

    With `sctir.lossless_stop`, traces are started only while they can still change the answer: at
    first a majority of N, then as many as could settle the vote. The answer is that of all N.
    """
    started = time.monotonic()
    traces: list[Trace] = []
    while True:
        votes = tally(traces)
        wanted = sctir.n - len(traces)
        if sctir.lossless_stop:
            wanted = traces_needed(votes, len(traces), sctir.n)
        if wanted == 0:
            break
        first = len(traces)

        async def run(index: int) -> Trace:
            trace = await run_trace(engine, pool, prompt, problem_id, seed, index, limits)
            on_trace(trace)
            return trace

        traces += await asyncio.gather(*[run(first + place) for place in range(wanted)])
    return Verdict(
        problem_id=problem_id,
        seed=seed,
        answer=votes[0][0] if votes else None,
        votes=dict(votes),
        n=sctir.n,
        traces=traces,
        stopped_early=len(traces) < sctir.n,
        leader_margin=margin(votes),
        seconds=round(time.monotonic() - started, 3),
    )


async def solve_all(
    engine: Engine,
    pool: Pool,
    problems: Sequence[Problem],
    template: Template,
    seed: int,
    sctir: Sctir,
    sandbox: Sandbox,
    on_trace: Callable[[Trace], object],
) -> list[Verdict]:
    """Solve problems side by side, so that the engine's batches stay full."""
    limits = sctir_limits(sctir, sandbox)
    prompts = [prompt_for(engine, template, problem, sctir.max_context) for problem in problems]
    return await asyncio.gather(
        *[
            solve(engine, pool, prompt, problem.id, seed, sctir, limits, on_trace)
            for problem, prompt in zip(problems, prompts, strict=True)
        ]
    )
