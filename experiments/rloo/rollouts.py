"""Samples of the agent with the policy as it is now, in the sandbox and limits of evaluation."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.rloo.live import LiveEngine, Recorder
from numina.agent.trace import Agent, TraceLimits, run_trace
from numina.errors import UserError
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.sandbox.pool import SandboxPool
from numina.settings import Params
from numina.settings.splits import AnswerRule
from numina.template import Template, end_token

ANY_ANSWER = AnswerRule(integer=False, modulus=0, lowest=None, highest=None, from_output=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """A trace and its tokens.

    Attributes:
        trace: as the agent gives it.
        prompt: token ids of the prompt.
        completion: token ids of all that follows.
        written: for each of these, 1 if the model wrote it, 0 if a program printed it.
    """

    trace: Trace
    prompt: list[int]
    completion: list[int]
    written: list[int]


def roll_out(
    params: Params,
    network: Any,
    tokenizer: Any,
    template: Template,
    limits: TraceLimits,
    problems: Sequence[Problem],
    seed: int,
) -> list[Sample]:
    """One sample for each of `problems`, in their order; a problem may occur more than once.

    Args:
        params: the sections engine, sandbox and hardware.
        network, tokenizer: the policy.
        template, limits: of the traces.
        problems: what is asked.
        seed: of the samples, together with a problem's id and the number of its sample.

    Raises:
        UserError: every sample failed.
    """
    work = sample_all(params, network, tokenizer, template, limits, problems, seed)
    samples = asyncio.run(work)
    if all(sample.trace.end == "failed" for sample in samples):
        raise UserError(
            f"all {len(samples)} samples failed, the first of problem {problems[0].id}: the policy "
            "cannot continue the prompts, as where its weights are not finite"
        )
    return samples


async def sample_all(
    params: Params,
    network: Any,
    tokenizer: Any,
    template: Template,
    limits: TraceLimits,
    problems: Sequence[Problem],
    seed: int,
) -> list[Sample]:
    hardware = params.hardware
    engine = LiveEngine(
        network, tokenizer, params.engine, hardware.transformers, limits.max_context
    )
    sandboxes = SandboxPool(params.sandbox, hardware.sandbox)
    seen: Counter[str] = Counter()
    async with engine, sandboxes:
        agent = Agent(engine, sandboxes, template, limits)
        work = []
        for problem in problems:
            work.append(sample_one(agent, engine, problem, seed, seen[problem.id]))
            seen[problem.id] += 1
        return list(await asyncio.gather(*work))


async def sample_one(
    agent: Agent, engine: LiveEngine, problem: Problem, seed: int, index: int
) -> Sample:
    """One trace with the record of its tokens; without any, it gets an end that is not learned."""
    recorder = Recorder(engine)
    trace = await run_trace(replace(agent, engine=recorder), problem, seed, index, ANY_ANSWER)
    if not recorder.completion:
        end = end_token(engine.tokenizer)
        return Sample(trace, recorder.prompt or [end], [end], [0])
    return Sample(trace, recorder.prompt, recorder.completion, recorder.written)
