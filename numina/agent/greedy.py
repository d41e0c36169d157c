"""Decode problems once, greedily, many side by side, in one process or several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from numina.agent.open import open_agent
from numina.agent.processes import First, count_processes, run_in_processes
from numina.agent.trace import TraceLimits, run_trace
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.settings import Params
from numina.settings.splits import AnswerRule


class Asked(NamedTuple):
    """A problem, and what counts as an answer to it."""

    problem: Problem
    rule: AnswerRule


class Decoded(NamedTuple):
    """The traces of problems, in their order, and the sandboxes' isolation layers."""

    traces: list[Trace]
    layers: dict[str, bool]


def decode_greedily(
    params: Params,
    model: Path,
    limits: TraceLimits,
    asked: Sequence[Asked],
    ended: Callable[[], object],
) -> Decoded:
    """A trace of each problem.

    Args:
        params: the sections engine, sandbox, template and hardware.
        model: a folder with a model.
        limits: of each trace.
        asked: the problems.
        ended: is called after each of them.

    Raises:
        UserError: the engine or the sandbox cannot be used, or one of several processes ended.
    """
    count = count_processes(params, model, len(asked))
    if count == 1:
        return asyncio.run(decode(params, model, limits, asked, ended))
    tasks = [partial(decode_own, model, limits, asked[place::count]) for place in range(count)]
    parts: list[Decoded] = run_in_processes(params, tasks, lambda _: ended(), "run it again")
    traces = {}
    for place, part in enumerate(parts):
        traces.update(zip(range(place, len(asked), count), part.traces, strict=True))
    return Decoded([traces[place] for place in range(len(asked))], parts[0].layers)


async def decode_own(
    model: Path, limits: TraceLimits, asked: Sequence[Asked], params: Params, first: First
) -> Decoded:
    """The part of one process of several."""
    return await decode(params, model, limits, asked, lambda: first.tell(None))


async def decode(
    params: Params,
    model: Path,
    limits: TraceLimits,
    asked: Sequence[Asked],
    ended: Callable[[], object],
) -> Decoded:
    """What `decode_greedily` does, in this process."""
    async with open_agent(params, model, limits) as agent:

        async def attempt(problem: Problem, rule: AnswerRule) -> Trace:
            trace = await run_trace(agent, problem, 0, 0, rule)
            ended()
            return trace

        traces = await asyncio.gather(*[attempt(*each) for each in asked])
    return Decoded(list(traces), dict(agent.layers))
