"""The baseline has the defects of the winners' notebook, and only those."""

import asyncio

import pytest

from numina.agent.trace import TraceLimits, step_seed
from numina.bench import notebook
from numina.bench.simulated_time import SimulatedLoop
from numina.engine.protocol import Completion, Sampling
from tests.sctir.scripted import Scripted

LIMITS = TraceLimits(0.8, 1.0, 256, 1000, 4, 200)


def program(code: str) -> str:
    return f"We run.\n```python\n{code}\n```\n```output\n"


def solved(*steps: str, run=None) -> tuple[notebook.Solved, Scripted]:
    async def in_process(code: str) -> notebook.Executed:
        return notebook.execute(code, 5)

    engine = Scripted(*steps)
    return (
        asyncio.run(notebook.solve(engine, run or in_process, "Q ", "p", 1, 1, LIMITS)),
        engine,
    )


def test_a_program_is_run_and_its_output_fed_back():
    done, engine = solved(program("x = 6\nx * 7"), "It is $\\boxed{42}$.")
    assert done.answer == 42
    assert "```output\n42\n```\n" in engine.prompts[1]


def test_a_trace_that_has_answered_is_generated_on():
    _, engine = solved(program("6"), "It is $\\boxed{6}$.")
    assert len(engine.prompts) == LIMITS.depth


def test_a_block_does_not_see_the_names_of_an_earlier_one():
    _, engine = solved(program("x = 6\nprint(x)"), program("print(x + 1)"), "\\boxed{7}")
    assert "NameError" in engine.prompts[2]


def test_the_last_allowed_program_is_never_run():
    ran = []

    async def run(code: str) -> notebook.Executed:
        ran.append(code)
        return notebook.Executed(str(len(ran)), 0.0)

    solved(*[program(str(i)) for i in range(9)], run=run)
    assert len(ran) == LIMITS.depth - 1


def test_an_answer_without_code_is_thrown_away():
    assert solved("It is $\\boxed{9}$.")[0].answer == 0


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\\boxed{3.5}", 4),
        ("\\boxed{0.4}", 0),
        ("\\boxed{1234}", 234),
        ("\\boxed{-4}", None),
        ("\\boxed{\\frac{1}{2}}", None),
        ("\\boxed{1e999}", None),
        ("\\boxed{7}" + " and so on" * 12, None),
        ("no box", None),
    ],
)
def test_answers_are_rounded_and_taken_modulo_1000(text, answer):
    assert notebook.answer_of(text) == answer


def test_ties_go_to_whoever_came_first_and_no_votes_give_0():
    assert notebook.vote([None, 5, 3, 3, 5]) == 5
    assert notebook.vote([None]) == 0


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("x = 5\nx  # the answer", "5"),
        ("x = 5", "TypeError: 'x' is an invalid keyword argument for print()"),
        ("# print(\n1", "1"),
        ("5  # as print( would", ""),
        ("import subprocess\nprint(subprocess.run(['true']).returncode)", "0"),
    ],
)
def test_the_last_line_is_wrapped_in_a_print(code, output):
    assert notebook.execute(code, 20).output.split("\n")[-1] == output


def test_a_traceback_loses_where_it_was():
    output = notebook.execute("def f():\n    return 1 / 0\nf()", 20).output
    assert "line" not in output
    assert output.endswith("ZeroDivisionError: division by zero")


def test_a_block_that_takes_too_long_is_ended():
    assert notebook.execute("import time\nprint(time.sleep(9))", 1).output == "Code timed out"


def test_all_traces_wait_for_the_slowest():
    class Slow(Scripted):
        async def complete(self, prompt: str, sampling: Sampling) -> Completion:
            if sampling.seed == step_seed(1, "p", 0, 0):
                await asyncio.sleep(100)
            completion = await super().complete(prompt, sampling)
            ended.append(asyncio.get_running_loop().time())
            return completion

    async def run(code: str) -> notebook.Executed:
        return notebook.Executed("6", 0.0)

    ended: list[float] = []
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(
            notebook.solve(Slow(program("6"), "It is $\\boxed{6}$."), run, "Q ", "p", 1, 3, LIMITS)
        )
    assert sorted(ended)[:2] == [0, 0]
    assert sorted(ended)[2:] == [100] * 10
