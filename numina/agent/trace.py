"""One trace: decode to the end of a program, run it, append its output, until an answer."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from numina.answer.find import find_answer
from numina.engine.protocol import Engine, Sampling
from numina.errors import UserError
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.sandbox.session import Result
from numina.sandbox.text import output_text
from numina.sctir.vote import admit
from numina.settings.splits import AnswerRule
from numina.template import CODE_END, CODE_START, OUTPUT_END, OUTPUT_START, Template


class Programs(Protocol):
    """Runs the programs of one trace, one after another."""

    async def run(self, code: str) -> Result: ...


class Sandboxes(Protocol):
    """Gives each trace a session of its own: `numina.sandbox.pool.Pool`, or a recorded one."""

    def session(self) -> AbstractAsyncContextManager[Programs]: ...


@dataclass(frozen=True, slots=True)
class TraceLimits:
    """How one trace is decoded.

    Attributes:
        temperature, top_p: of sampling; temperature 0 is greedy.
        max_new_tokens: a step.
        max_context: tokens of prompt and text together.
        depth: how many programs are run; with 0 none is, as for chain-of-thought models.
        output_chars: how much of an output the model is shown.
    """

    temperature: float
    top_p: float
    max_new_tokens: int
    max_context: int
    depth: int
    output_chars: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something new in a trace: its `start`, decoded `text`, a program's `output`, its `end`.

    The text of an end is the trace's answer, or in brackets why it has none.
    """

    problem_id: str
    seed: int
    index: int
    kind: Literal["start", "text", "output", "end"]
    text: str


@dataclass(frozen=True, slots=True)
class Agent:
    """What the traces of a run have in common; `watch` is told of every step of each."""

    engine: Engine
    sandboxes: Sandboxes
    limits: TraceLimits
    watch: Callable[[Event], object] = lambda _: None


@dataclass(slots=True)
class Progress:
    """A trace while it grows; the fields are those of `Trace`."""

    text: str = ""
    end: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    logprob_sum: float = 0.0
    decode_s: float = 0.0
    execute_s: float = 0.0
    wait_s: float = 0.0


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


async def run_trace(
    agent: Agent, prompt: str, problem_id: str, seed: int, index: int, rule: AnswerRule
) -> Trace:
    """Decode one trace of a problem; programs of a trace share one sandbox session."""
    grown, outputs = Progress(), []

    def tell(kind: Literal["start", "text", "output", "end"], text: str) -> None:
        agent.watch(Event(problem_id, seed, index, kind, text))

    tell("start", "")
    async with agent.sandboxes.session() as session:
        while not grown.end:
            before = len(grown.text)
            step = step_seed(seed, problem_id, index, len(outputs))
            wants_output = await decode(agent, prompt, grown, step)
            tell("text", grown.text[before:])
            if not wants_output:
                break
            if len(outputs) >= agent.limits.depth:
                grown.end = "depth"
                break
            code = last_program(grown.text)
            if not code.strip():
                grown.end = "no_code"
                break
            status, output = await execute(session, code, grown, agent.limits.output_chars)
            tell("output", output)
            outputs.append((status, output))
            grown.text += f"{output}\n{OUTPUT_END}"
            if not output.strip():
                grown.end = "empty_output"
            elif status != "ok" and outputs[-2:-1] == outputs[-1:]:
                grown.end = "repeat"
    answer = find_answer(grown.text, rule.from_output)
    if answer is not None:
        answer, why = await asyncio.to_thread(admit, answer, rule)
        grown.end = why if grown.end == "answer" else grown.end
    elif grown.end == "answer":
        grown.end = "no_answer"
    tell("end", f"({grown.end})" if answer is None else answer)
    return Trace(
        problem_id=problem_id,
        seed=seed,
        index=index,
        text=grown.text,
        answer=answer,
        end=grown.end,
        block_statuses=[status for status, _ in outputs],
        prompt_tokens=grown.prompt_tokens,
        cached_tokens=grown.cached_tokens,
        generated_tokens=grown.generated_tokens,
        logprob=round(grown.logprob_sum / max(1, grown.generated_tokens), 5),
        decode_s=round(grown.decode_s, 3),
        execute_s=round(grown.execute_s, 4),
        wait_s=round(grown.wait_s, 3),
    )


async def decode(agent: Agent, prompt: str, grown: Progress, seed: int) -> bool:
    """Let a trace grow by one completion; True where it then waits for a program's output."""
    limits, clock = agent.limits, asyncio.get_running_loop().time
    room = limits.max_context - agent.engine.count_tokens(prompt + grown.text)
    if room <= 0:
        grown.end = "context"
        return False
    started = clock()
    completion = await agent.engine.complete(
        prompt + grown.text,
        Sampling(
            temperature=limits.temperature,
            top_p=limits.top_p,
            max_new_tokens=min(limits.max_new_tokens, room),
            stop=(OUTPUT_START,),
            seed=seed,
        ),
    )
    grown.decode_s += clock() - started - completion.waited_s
    grown.wait_s += completion.waited_s
    grown.text += completion.text
    grown.prompt_tokens += completion.prompt_tokens
    grown.cached_tokens += completion.cached_tokens
    grown.generated_tokens += completion.generated_tokens
    grown.logprob_sum += completion.logprob_sum
    if completion.finish == "end":
        grown.end = "answer"
    elif completion.finish == "length":
        grown.end = "context" if room < limits.max_new_tokens else "length"
    return completion.finish == "stop"


async def execute(
    session: Programs, code: str, grown: Progress, output_chars: int
) -> tuple[str, str]:
    """Run a trace's program: its status, and its output as the model is shown it."""
    clock = asyncio.get_running_loop().time
    started = clock()
    result = await session.run(code)
    grown.execute_s += result.wall_s
    grown.wait_s += max(0.0, clock() - started - result.wall_s)
    return result.status, output_text(result, output_chars)


def step_seed(seed: int, problem_id: str, index: int, step: int) -> int:
    """A seed for one decoding step, the same in every run."""
    return zlib.crc32(f"{seed}/{problem_id}/{index}/{step}".encode())


def last_program(text: str) -> str:
    """The last code block of a text that ends in an opened output block; "" where it has none."""
    start = text.rfind(CODE_START)
    if start < 0:
        return ""
    start += len(CODE_START)
    end = text.find(CODE_END, start)
    return text[start : end if end >= 0 else len(text)].rstrip()
