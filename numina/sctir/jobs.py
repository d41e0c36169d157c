"""Problems to solve by SC-TIR with one agent, many side by side."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from numina.agent.open import open_agent, sampled_limits
from numina.agent.trace import Event
from numina.engine.choose import chosen
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sctir.clock import Clock
from numina.sctir.journal import Kept
from numina.sctir.solve import solve
from numina.sctir.stop import traces_needed
from numina.settings import Params
from numina.settings.splits import AnswerRule

AHEAD = 2  # traces in flight for each that the engine decodes


class Job(NamedTuple):
    """A problem to solve with a seed, and what counts as an answer to it."""

    problem: Problem
    seed: int
    rule: AnswerRule


class Outcome(NamedTuple):
    """The verdicts of jobs, in their order, and the sandboxes' isolation layers."""

    verdicts: list[Verdict]
    layers: dict[str, bool]


async def solve_jobs(
    params: Params,
    model: Path,
    jobs: Sequence[Job],
    journal: Kept,
    watch: Callable[[Event], object],
    solved: Callable[[int, Verdict], object],
    clock: Clock,
) -> Outcome:
    """Solve jobs in this process, as many side by side as `side_by_side` says.

    Args:
        params, model, journal: as for `numina.sctir.splits.solve_splits`.
        jobs: what is to be solved.
        watch: is called with every event of every trace.
        solved: is called with the place of each job that is done, and its verdict.
        clock: what time each may take.
    """
    turns = asyncio.Semaphore(side_by_side(params))
    limits = sampled_limits(params.sctir, params.sandbox)
    async with open_agent(params, model, limits, watch) as agent:

        async def answer(place: int, job: Job) -> Verdict:
            async with turns:
                seconds = clock.allot()
                verdict = await solve(
                    agent, job.problem, job.seed, params.sctir, job.rule, journal, seconds
                )
            solved(place, verdict)
            return verdict

        work = [answer(place, job) for place, job in enumerate(jobs)]
        verdicts = await asyncio.gather(*work)
    return Outcome(list(verdicts), dict(agent.layers))


def side_by_side(params: Params) -> int:
    """How many problems are solved at the same time.

    Their traces fill the engine, and as many again run programs or wait. With more problems, a
    trace whose program has run waits behind the traces of all others, and the engine's cache, full
    of theirs, has lost it. With a time budget it is one: side by side, deadlines would mean little.
    """
    if params.time_bank.budget_s:
        return 1
    places = params.engine.batch_size
    if chosen(params.engine) == "server":
        places *= max(1, len(params.hardware.server.urls))
    first, _ = traces_needed([], params.sctir)
    return max(1, math.ceil(AHEAD * places / max(first, params.sctir.at_once)))
