"""A model on a server as the teacher, asked through the agent of SC-TIR."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from numina.agent.trace import Agent, Event, Sandboxes, TraceLimits, run_trace
from numina.corpus.teachers.protocol import judged_trace
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.settings import Params
from numina.settings.splits import AnswerRule
from numina.teacher.engine import SampledEngine, TeacherEngine
from numina.teacher.prompt import next_problem, prompt_named
from numina.template import Template

ANY = AnswerRule(integer=False, modulus=0, lowest=None, highest=None, from_output=False)
SEED = 0  # of programs' random numbers: the same in every run, so that paid answers are found again


@dataclass(frozen=True, slots=True)
class ServedTeacher:
    """Attempts any problem: it writes, its programs run, it goes on.

    Attributes:
        engine: asks the model; an answer that was paid for once is found again.
        agent: its sandboxes and limits.
        template: turns a problem into what the model is asked.
        places: attempts side by side, some of which run programs.
    """

    engine: TeacherEngine
    agent: Agent
    template: Template
    places: asyncio.Semaphore
    name: str = "server"

    def knows(self, problem: Problem) -> bool:
        return True

    async def attempt(self, problem: Problem, sample: int) -> Attempt:
        return await judged_trace(problem, sample, self.name, await self.trace(problem, sample))

    async def trace(self, problem: Problem, sample: int) -> Trace:
        """The trace of an attempt; the same sample gives the same one."""
        asked = self.template.render(problem.problem)
        ends = "" if self.engine.params.kind == "chat" else next_problem(self.template)
        agent = replace(self.agent, engine=SampledEngine(self.engine, sample, asked, ends))
        async with self.places:
            return await run_trace(agent, problem, SEED, sample, ANY)


@asynccontextmanager
async def served_teacher(
    params: Params, sandboxes: Sandboxes, watch: Callable[[Event], object] = lambda _: None
) -> AsyncIterator[ServedTeacher]:
    """A teacher for as long as the context lasts.

    Args:
        params: the sections teacher, sandbox and hardware.
        sandboxes: run its programs.
        watch: is called with every event of every attempt.

    Raises:
        UserError: the prompt cannot be read, or answers cannot be kept.
    """
    given = params.teacher
    template = prompt_named(given.prompt)
    limits = TraceLimits(
        temperature=given.temperature,
        top_p=given.top_p,
        max_new_tokens=given.max_new_tokens,
        max_context=given.max_context,
        depth=given.depth,
        output_chars=params.sandbox.output_chars,
    )
    async with TeacherEngine(given, params.hardware) as engine:
        agent = Agent(SampledEngine(engine, 0, ""), sandboxes, template, limits, watch)
        places = 2 * params.hardware.teacher.at_once * len(params.hardware.teacher.urls)
        yield ServedTeacher(engine, agent, template, asyncio.Semaphore(places))
