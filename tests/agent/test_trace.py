"""The loop of one trace, against a scripted engine and the real sandbox."""

import asyncio

import pytest

from numina.agent.calls import FENCED, Fenced, Harmony
from numina.agent.trace import Agent, TraceLimits, run_trace
from numina.errors import UserError
from numina.records.problem import Problem
from numina.sandbox.pool import SandboxPool
from numina.settings.splits import AnswerRule
from numina.template import TEMPLATES
from tests.conftest import SANDBOX, SANDBOX_HARDWARE
from tests.sctir.scripted import PLAIN, NoPrograms, Scripted

LIMITS = TraceLimits(0.8, 1.0, 256, 1000, 2, 200)
QUESTION = Problem("p", "Q", "", "test")
INTEGER = AnswerRule(integer=True, modulus=0, lowest=None, highest=None, from_output=False)


def program(code: str) -> str:
    return f"We run.\n```python\n{code}\n```\n```output\n"


def trace_of(*steps: str, limits: TraceLimits = LIMITS, rule: AnswerRule = INTEGER):
    engine = Scripted(*steps)

    async def go():
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            return await run_trace(Agent(engine, pool, PLAIN, limits), QUESTION, 1, 0, rule)

    return asyncio.run(go()), engine


def test_code_is_run_and_its_output_fed_back():
    trace, engine = trace_of(program("x = 6\nprint(x * 7)"), "The answer is $\\boxed{42}$.")
    assert trace.answer == "42"
    assert trace.end == "answer"
    assert trace.block_statuses == ["ok"]
    assert engine.prompts[1].endswith("```output\n42\n```\n")


def test_a_later_program_sees_the_names_of_an_earlier_one():
    trace, _ = trace_of(program("x = 6\nx"), program("print(x + 1)"), "\\boxed{7}")
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
    assert (trace.answer, trace.end) == (None, "not_integer")


def test_the_context_is_never_exceeded():
    import dataclasses

    limits = dataclasses.replace(LIMITS, max_context=10)
    trace, engine = trace_of(program("print(1)\n" * 20), "\\boxed{1}", limits=limits)
    assert trace.end == "context"
    assert engine.asked[0].max_new_tokens == 9


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        (["I think so."], "no_answer"),
        (["\\boxed{1000}"], "out_of_range"),
        (["```output\n"], "no_code"),
        (["We run.\n```python\n\n```\n```output\n"], "no_code"),
        ([program("x = 1"), program("x = 2")], "empty_output"),
    ],
)
def test_a_trace_without_an_answer_says_why(steps, end):
    rule = AnswerRule(integer=True, modulus=0, lowest=0, highest=999, from_output=False)
    trace, _ = trace_of(*steps, rule=rule)
    assert (trace.answer, trace.end) == (None, end)


@pytest.mark.parametrize(("from_output", "answer"), [(False, None), (True, "7")])
def test_the_last_output_stands_for_a_missing_answer_only_where_asked(from_output, answer):
    rule = INTEGER.model_copy(update={"from_output": from_output})
    trace, _ = trace_of(program("print('so')\nprint(7)"), "I stop here.", rule=rule)
    assert (trace.answer, trace.end) == (answer, "answer" if answer else "no_answer")


def test_every_step_is_told_as_it_comes():
    told = []

    async def go():
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            engine = Scripted(program("print(6 * 7)"), "\\boxed{42}")
            agent = Agent(engine, pool, PLAIN, LIMITS, told.append)
            await run_trace(agent, QUESTION, 1, 3, INTEGER)

    asyncio.run(go())
    assert [event.kind for event in told] == ["start", "text", "output", "text", "end"]
    assert [event.text for event in told][2::2] == ["42", "42"]
    assert {event.index for event in told} == {3}


@pytest.mark.parametrize(("text", "reason"), [(" ", "empty"), ("word " * 2000, "no room")])
def test_impossible_problems_are_refused_before_any_work(text, reason):
    with pytest.raises(UserError, match=reason):
        agent = Agent(Scripted(), NoPrograms(), TEMPLATES["boundary"], LIMITS)
        agent.check(Problem("p", text, "", "t"))


# What models write for a program, and what it must print.
PROGRAMS = {
    "py": "We run.\n```py\nprint(6 * 7)\n```\n```output\n",
    "a capital": "We run.\n```Python\nprint(6 * 7)\n```\n```output\n",
    "a version": "We run.\n```python3\nprint(6 * 7)\n```\n```output\n",
    "spaces": "We run.\n``` python  \nprint(6 * 7)\n```  \n```output\n",
    "the line ends of Windows": "We run.\r\n```python\r\nprint(6 * 7)\r\n```\r\n```output\r\n",
    "in a list": "1. We run.\n   ```python\n   x = 6\n   print(x * 7)\n   ```\n```output\n",
    "two before one output": (
        "First\n```python\nx = 6\n```\nthen\n```python\nprint(x * 7)\n```\n```output\n"
    ),
    "backticks in a docstring": (
        'We run.\n```python\ndef f():\n    """Use `f` as in\n    ```\n    f()\n    ```\n    """\n'
        "    return 42\nprint(f())\n```\n```output\n"
    ),
    "backticks in a comment": "```python\n# as in ```x```\nprint(6 * 7)\n```\n```output\n",
    "no closing fence": "We run.\n```python\nprint(6 * 7)\n```output\n",
    "an output with a space": "We run.\n```python\nprint(6 * 7)\n```\n``` output\n",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_programs_run_however_they_are_fenced(text):
    trace, engine = trace_of(text, "So it is $\\boxed{42}$.")
    assert (trace.answer, trace.block_statuses) == ("42", ["ok"])
    assert engine.prompts[1].endswith("output\n42\n```\n") or "\r\n42\n```" in engine.prompts[1]


def test_each_program_runs_once_under_its_own_output():
    first = "```python\nprint(1)\n```\n```output\n"
    trace, _ = trace_of(first, "Then\n```py\nprint(2)\n```\n```output\n", "\\boxed{3}")
    assert (
        "print(1)\n```\n```output\n1\n```\nThen\n```py\nprint(2)\n```\n```output\n2\n```\n"
        in trace.text
    )


def test_an_output_that_is_opened_again_runs_nothing():
    trace, _ = trace_of(program("print(1)"), "Again\n```output\n", "\\boxed{3}")
    assert (trace.end, trace.block_statuses) == ("no_code", ["ok"])


def test_chain_of_thought_runs_no_program():
    import dataclasses

    limits = dataclasses.replace(LIMITS, depth=0)
    trace, _ = trace_of("So it is $\\boxed{42}$.", limits=limits)
    assert (trace.answer, trace.end) == ("42", "answer")
    trace, _ = trace_of(program("print(1)"), "\\boxed{3}", limits=limits)
    assert (trace.end, trace.block_statuses) == ("depth", [])


def test_a_problem_that_is_too_long_ends_its_trace_at_once():
    async def go():
        agent = Agent(Scripted("\\boxed{1}"), NoPrograms(), PLAIN, LIMITS)
        huge = Problem("p", "word " * 10_000_000, "", "test")
        return await run_trace(agent, huge, 1, 0, INTEGER)

    trace = asyncio.run(go())
    assert (trace.end, trace.generated_tokens) == ("context", 0)


def test_each_trace_draws_random_numbers_of_its_own_and_the_same_again():
    text = program("import random\nprint(random.randrange(10**9))")

    async def outputs() -> list[str]:
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            agent = Agent(Scripted(text, "\\boxed{1}"), pool, PLAIN, LIMITS)
            traces = [await run_trace(agent, QUESTION, 1, index, INTEGER) for index in range(3)]
        return [trace.text for trace in traces]

    first = asyncio.run(outputs())
    assert len(set(first)) == 3
    assert asyncio.run(outputs()) == first


def test_events_are_in_the_fenced_format_however_a_model_calls_its_programs():
    told = []
    call = "<|channel|>analysis<|message|>We add.<|end|><|start|>assistant to=python<|message|>3+4"
    final = "<|channel|>final<|message|>It is \\boxed{7}.<|return|>"

    class Calling(Scripted):
        async def complete(self, prompt, sampling):
            assert (sampling.stop, sampling.special) == (("<|call|>",), True)
            return await super().complete(prompt, sampling)

    async def go():
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            engine = Calling(f"{call}<|call|>", final)
            agent = Agent(engine, pool, PLAIN, LIMITS, told.append, calls=Harmony())
            return await run_trace(agent, QUESTION, 1, 0, INTEGER)

    trace = asyncio.run(go())
    assert trace.answer == "7"
    assert trace.text == (
        "We add.\n```python\n3+4\n```\n```output\n7\n```\n</think>\nIt is \\boxed{7}."
    )
    assert [(event.kind, event.text) for event in told[1:-1]] == [
        ("text", "We add.\n```python\n3+4\n```\n```output\n"),
        ("output", "7"),
        ("text", "\n</think>\nIt is \\boxed{7}."),
    ]


def test_a_chat_models_program_that_prints_nothing_does_not_end_its_trace():
    steps = ["```python\nx = 6\n```", "```python\nprint(x + 1)\n```", "It is \\boxed{7}."]

    def attempt(calls):
        async def go():
            async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
                agent = Agent(Scripted(*steps), pool, PLAIN, LIMITS, calls=calls)
                return await run_trace(agent, QUESTION, 1, 0, INTEGER)

        return asyncio.run(go())

    chat = attempt(Fenced(chat=True))
    assert (chat.answer, chat.end, chat.block_statuses) == ("7", "answer", ["ok", "ok"])
    assert attempt(FENCED).end == "no_answer"
