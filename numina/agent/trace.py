"""One trace: decode to the end of a program, run it, append its output, until an answer."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from numina.agent.calls import FENCED, Calls
from numina.agent.pace import Pace
from numina.answer.equal import digits
from numina.answer.find import find_answer
from numina.answer.rule import admit
from numina.engine.protocol import LONGEST_TOKEN, CompletionFailed, Engine, Sampling
from numina.errors import UserError
from numina.fences import OUTPUT_START, OUTPUT_STARTS
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.sandbox.session import Result
from numina.sandbox.text import output_text
from numina.settings.splits import AnswerRule


class Programs(Protocol):
    """Runs the programs of one trace, one after another."""

    async def run(self, code: str) -> Result: ...


class Sandboxes(Protocol):
    """Gives each trace a session of its own: `numina.sandbox.pool.SandboxPool`, or a recorded one.

    A session's random numbers are drawn from its seed.
    """

    def session(self, seed: int = 0) -> AbstractAsyncContextManager[Programs]: ...


class Prompts(Protocol):
    """Turns problems into prompts: `numina.template.Template`, or `numina.agent.chat.Chat`."""

    def render(self, problem: str) -> str: ...


@dataclass(frozen=True, slots=True)
class TraceLimits:
    """How one trace is decoded.

    Attributes:
        temperature, top_p: of sampling; temperature 0 is greedy.
        max_new_tokens: a step.
        max_context: tokens of prompt and text together.
        depth: how many programs are run; 0 for chain-of-thought models.
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

    A text is in the fenced format, and opens the block of the output that follows it.
    The text of an end is the trace's answer, or the reason in brackets why it has none.
    """

    problem_id: str
    seed: int
    index: int
    kind: Literal["start", "text", "output", "end"]
    text: str


@dataclass(frozen=True, slots=True)
class Agent:
    """What the traces of a run have in common.

    Attributes:
        engine: decodes.
        sandboxes: run the programs.
        template: turns a problem into a prompt.
        limits: of each trace.
        watch: is called with every event of every trace.
        layers: the sandboxes' isolation layers by name, whether each is on.
        pace: what a step costs with more traces side by side.
        calls: how the model calls Python.
    """

    engine: Engine
    sandboxes: Sandboxes
    template: Prompts
    limits: TraceLimits
    watch: Callable[[Event], object] = lambda _: None
    layers: Mapping[str, bool] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    calls: Calls = FENCED

    def check(self, problem: Problem) -> None:
        """Check that a problem leaves room for an answer.

        Raises:
            UserError: it is empty or too long, with the number of tokens.
        """
        if not problem.problem.strip():
            raise UserError(f"problem {problem.id}: the statement is empty")
        prompt, most = self.template.render(problem.problem), self.limits.max_context
        if len(prompt) > most * LONGEST_TOKEN:
            raise UserError(
                f"problem {problem.id}: {len(prompt)} characters exceed max_context {most} tokens"
            )
        length = self.engine.count_tokens(prompt)
        if length >= most:
            raise UserError(
                f"problem {problem.id}: {length} tokens leave no room in max_context {most}"
            )


@dataclass(slots=True)
class Progress:
    """A trace while it grows; the fields are those of `Trace`, and the text is as decoded."""

    text: str = ""
    end: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    logprob_sum: float = 0.0
    decode_s: float = 0.0
    execute_s: float = 0.0
    wait_s: float = 0.0


async def run_trace(
    agent: Agent, problem: Problem, seed: int, index: int, rule: AnswerRule
) -> Trace:
    """Decode one trace of a problem; the programs of a trace share one sandbox session.

    Args:
        agent: the engine, the sandboxes, the template and the limits.
        problem: what is asked; if it leaves no room for an answer, the trace ends at once.
        seed: of the run.
        index: which trace of the problem this is; it seeds the trace together with the others.
        rule: what counts as an answer.
    """
    grown, outputs, failure = Progress(), [], ""
    prompt, depth = agent.template.render(problem.problem), agent.limits.depth

    def tell(kind: Literal["start", "text", "output", "end"], text: str) -> None:
        agent.watch(Event(problem.id, seed, index, kind, text))

    tell("start", "")
    # Seeded by trace: if all drew the same random numbers, their votes would err together.
    async with agent.sandboxes.session(trace_seed(seed, problem.id, index)) as session:
        while not grown.end:
            before = len(agent.calls.readable(grown.text))
            step = step_seed(seed, problem.id, index, len(outputs))
            try:
                wants_output = await decode(agent, prompt, grown, step)
                if grown.end == "answer" and len(outputs) < depth:
                    wants_output = resume(agent.calls, grown)
            except CompletionFailed as error:
                grown.end, failure = "failed", f": {error}"
                break
            new = agent.calls.readable(grown.text)[before:]
            opened = wants_output and not new.endswith(OUTPUT_STARTS)
            tell("text", f"{new}\n{OUTPUT_START}" if opened else new)
            if not wants_output:
                break
            if len(outputs) >= depth:
                grown.end = "depth"
                break
            code = agent.calls.program(grown.text)
            if not code.strip():
                grown.end = "no_code"
                break
            status, output = await execute(session, code, grown, agent.limits.output_chars)
            tell("output", output)
            outputs.append((status, output))
            grown.text += agent.calls.reply(output, depth - len(outputs))
            if not agent.calls.prunes:
                continue
            if outputs[-2:-1] == outputs[-1:] and (status != "ok" or not output.strip()):
                grown.end = "repeat" if output.strip() else "empty_output"
    text = agent.calls.readable(grown.text)
    answer = find_answer(text, rule.from_output)
    if answer is not None:
        plain = digits(answer) is not None  # the others are read in a worker process
        reading = (admit, answer, rule)
        answer, why = admit(answer, rule) if plain else await asyncio.to_thread(*reading)
        grown.end = why if grown.end == "answer" else grown.end
    elif grown.end == "answer":
        grown.end = "no_answer"
    tell("end", f"({grown.end}{failure})" if answer is None else answer)
    return Trace(
        problem_id=problem.id,
        seed=seed,
        index=index,
        text=text,
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
    """Extend a trace by one completion; True if it then waits for a program's output."""
    limits, clock = agent.limits, asyncio.get_running_loop().time
    if len(prompt) > limits.max_context * LONGEST_TOKEN:
        grown.end = "context"
        return False
    room = limits.max_context - agent.engine.count_tokens(prompt + grown.text)
    if room <= 0:
        grown.end = "context"
        return False
    started = clock()
    with agent.pace.decoding() as decoded:
        completion = await agent.engine.complete(
            prompt + grown.text,
            Sampling(
                temperature=limits.temperature,
                top_p=limits.top_p,
                max_new_tokens=min(limits.max_new_tokens, room),
                stop=agent.calls.stop,
                seed=seed,
                special=agent.calls.special,
            ),
        )
        decoded(completion.generated_tokens)
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


def resume(calls: Calls, grown: Progress) -> bool:
    """Make a call of a program that the model ended its text with; whether there was one."""
    added = calls.left_open(grown.text)
    grown.text += added
    grown.end = "" if added else grown.end
    return bool(added)


async def execute(
    session: Programs, code: str, grown: Progress, output_chars: int
) -> tuple[str, str]:
    """Run a trace's program; return its status and the output that the model is shown."""
    clock = asyncio.get_running_loop().time
    started = clock()
    result = await session.run(code)
    grown.execute_s += result.wall_s
    grown.wait_s += max(0.0, clock() - started - result.wall_s)
    return result.status, output_text(result, output_chars)


def trace_seed(seed: int, problem_id: str, index: int) -> int:
    """A seed for the programs of one trace, the same in every run."""
    return zlib.crc32(f"{seed}/{problem_id}/{index}".encode())


def step_seed(seed: int, problem_id: str, index: int, step: int) -> int:
    """A seed for one decoding step, the same in every run."""
    return zlib.crc32(f"{seed}/{problem_id}/{index}/{step}".encode())
