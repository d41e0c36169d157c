"""The loop of one trace and of one problem, against a scripted engine and the real sandbox."""

import asyncio

import pytest

from numina.engine.protocol import Completion, Sampling, cut_at_stop
from numina.records import Problem
from numina.sandbox.pool import Pool
from numina.sctir.solve import prompt_for, solve_all
from numina.sctir.trace import TraceLimits, last_program, run_trace
from numina.settings import Sctir, UserError
from numina.template import TEMPLATES
from tests.conftest import SANDBOX

LIMITS = TraceLimits(0.8, 1.0, 256, 1000, 2, 200, True)
SCTIR = Sctir(
    n=5,
    depth=2,
    temperature=0.8,
    top_p=1.0,
    max_new_tokens=256,
    max_context=1000,
    seeds=(1,),
    lossless_stop=True,
    integer_only=True,
)


class Scripted:
    """Gives the next line of a script for each step, one word a token."""

    def __init__(self, *steps: str) -> None:
        self.steps = steps
        self.prompts: list[str] = []
        self.asked: list[Sampling] = []

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        self.prompts.append(prompt)
        self.asked.append(sampling)
        done = sum(step in prompt for step in self.steps)
        text = self.steps[min(done, len(self.steps) - 1)]
        stopped = cut_at_stop(text, sampling.stop) is not None
        return Completion(text, "stop" if stopped else "end", 1, len(text.split()), -1.0)


def program(code: str) -> str:
    return f"We run.\n```python\n{code}\n```\n```output\n"


def trace_of(*steps: str, limits: TraceLimits = LIMITS):
    engine = Scripted(*steps)

    async def go():
        async with Pool(SANDBOX) as pool:
            return await run_trace(engine, pool, "Q ", "p", 1, 0, limits)

    return asyncio.run(go()), engine


def test_code_is_run_and_its_output_fed_back():
    trace, engine = trace_of(program("x = 6\nprint(x * 7)"), "The answer is $\\boxed{42}$.")
    assert trace.answer == "42"
    assert trace.end == "answer"
    assert trace.block_statuses == ["ok"]
    assert engine.prompts[1].endswith("```output\n42\n```\n")


def test_a_later_program_sees_the_names_of_an_earlier_one():
    trace, _ = trace_of(program("x = 6"), program("print(x + 1)"), "\\boxed{7}")
    assert "```output\n7\n```\n" in trace.text
    assert trace.answer == "7"


def test_an_answer_without_code_counts():
    trace, _ = trace_of("It is $\\boxed{9}$.")
    assert (trace.answer, trace.end) == ("9", "answer")


def test_depth_counts_executions_and_leaves_room_to_conclude():
    steps = [program("print(1)"), program("print(2)"), program("print(3)")]
    trace, engine = trace_of(*steps, "\\boxed{1}")
    assert trace.end == "depth"
    assert len(trace.block_statuses) == 2
    assert len(engine.prompts) == 3


def test_the_same_failure_twice_ends_a_trace():
    failing = program("print(missing)")
    trace, _ = trace_of(failing, limits=LIMITS)
    assert trace.end == "repeat"
    assert trace.block_statuses == ["error", "error"]


def test_a_half_is_no_integer_answer():
    trace, _ = trace_of("\\boxed{3.5}")
    assert (trace.answer, trace.end) == (None, "no_answer")


def test_the_context_is_never_exceeded():
    import dataclasses

    limits = dataclasses.replace(LIMITS, max_context=10)
    trace, engine = trace_of(program("print(1)\n" * 20), "\\boxed{1}", limits=limits)
    assert trace.end == "context"
    assert engine.asked[0].max_new_tokens == 9


def test_the_program_is_the_last_block():
    text = "```python\na\n```\n```output\n1\n```\n```python\nb\n```\n```output\n"
    assert last_program(text) == "b"
    assert last_program("no block ```output\n") == ""


def test_agreeing_traces_stop_early_with_the_margin_recorded():
    async def go():
        async with Pool(SANDBOX) as pool:
            problems = [Problem("p", "What?", "", "t")]
            return await solve_all(
                Scripted("\\boxed{4}"),
                pool,
                problems,
                TEMPLATES["boundary"],
                1,
                SCTIR,
                SANDBOX,
                lambda _: None,
            )

    verdict = asyncio.run(go())[0]
    assert (verdict.answer, verdict.votes, verdict.n) == ("4", {"4": 3}, 5)
    assert verdict.stopped_early
    assert verdict.leader_margin > verdict.n - len(verdict.traces)
    assert [trace.index for trace in verdict.traces] == [0, 1, 2]


@pytest.mark.parametrize(("text", "reason"), [(" ", "empty"), ("word " * 2000, "no room")])
def test_impossible_problems_are_refused_before_any_work(text, reason):
    with pytest.raises(UserError, match=reason):
        prompt_for(Scripted(), TEMPLATES["boundary"], Problem("p", text, "", "t"), 1000)
