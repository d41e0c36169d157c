"""Single-step code: rows of several programs become one, or are rejected with the reason."""

import asyncio

import pytest

from experiments.mmos import rows as stage
from experiments.mmos.merge import candidates, steps_of, without_prints
from numina.agent.trace import Agent, TraceLimits, run_trace
from numina.overlay import overlaid
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.sandbox.pool import SandboxPool
from numina.settings import parse
from numina.settings.params import document
from numina.settings.splits import AnswerRule
from numina.template import IGNORED, TEMPLATES, encode, tokens_of
from tests.conftest import ROOT, SANDBOX, SANDBOX_HARDWARE
from tests.sctir.scripted import PLAIN, Scripted

MERGED = "s = 0\nfor i in range(5):\n    s += i\nprint(s % 7)"


def solution(*steps: tuple[str, str, str], end: str = "The answer is $\\boxed{3}$.") -> str:
    """Steps of a thought, a program and its output, and what is said at the end."""
    text = [f"{t}\n```python\n{p}\n```\n```output\n{o}\n```" for t, p, o in steps]
    return "\n".join([*text, end])


SUM = ("We add.", "s = 0\nfor i in range(5):\n    s += i\nprint(s)", "10")
REMAINDER = ("Now we reduce.", "print(s % 7)", "3")


def sifted(*problems: Problem) -> list[Problem | Removal]:
    async def run() -> list[Problem | Removal]:
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            return [row async for row in stage.merged_rows(problems, pool, 200)]

    return asyncio.run(run())


def row(text: str) -> Problem:
    return Problem(text[:20], "What?", "3", "t", text)


MERGES = [  # a solution, its thought and its program
    (solution(SUM, REMAINDER), "We add. Now we reduce.", MERGED),
    (  # what failed, and the thought that mends it, are left out
        solution(
            ("We add.", "print(sum(range(3))", "SyntaxError: '(' was never closed"),
            ("A bracket is missing. We add it.", "print(sum(range(3)))", "3"),
        ),
        "We add.",
        "print(sum(range(3)))",
    ),
    (  # the mend needs what the program that printed nothing set
        solution(("We add.", "s = sum(range(3))", ""), ("Nothing was printed.", "print(s)", "3")),
        "We add.",
        "s = sum(range(3))\nprint(s)",
    ),
    (  # it does not need it here
        solution(("We add.", "s = 3", ""), ("Nothing was printed.", "print(1 + 2)", "3")),
        "We add.",
        "print(1 + 2)",
    ),
    (  # a loop prints: only the last line is the answer
        solution(("We try.", "for i in (1, 2, 3):\n    print(i)", "1\n2\n3")),
        "We try.",
        "for i in (1, 2, 3):\n    print(i)",
    ),
    (  # two blocks before one output are one program
        "First.\n```python\na = 1\n```\nThen.\n```python\nprint(a + 2)\n```\n```output\n3\n```",
        "First. Then.",
        "a = 1\nprint(a + 2)",
    ),
]
REJECTS = [  # a solution, and the rule that it breaks
    ("The answer is $\\boxed{3}$.", "no_program"),
    (solution(("We divide.", "1 / 0", "ZeroDivisionError: division by zero")), "no_program"),
    # The print that goes changed the list.
    (
        solution(("", "a = [3, 7]\nprint(a.pop())", "7"), ("", "print(a[-1])", "3")),
        "output_differs",
    ),
    (solution(("", "print(q)", "3")), "program_fails"),
    (solution(("", "while True: pass", "3")), "program_fails"),
    (solution(("", "print(4)", "4")), "not_the_answer"),
    (solution(("", "print(3)\nprint('done')", "3\ndone")), "not_the_answer"),
]


def test_a_solution_becomes_one_program_that_ends_with_its_output():
    found = sifted(*[row(text) for text, _, _ in MERGES])
    for (text, thought, program), one in zip(MERGES, found, strict=True):
        assert isinstance(one, Problem), text
        output = "1\n2\n3" if "for i in (1" in text else "3"
        assert one.solution == f"{thought}\n```python\n{program}\n```\n```output\n{output}\n```"


def test_a_row_that_one_program_does_not_solve_is_rejected_with_the_reason():
    *found, other = sifted(*[row(text) for text, _ in REJECTS], row(solution(SUM, REMAINDER)))
    rules = [one.rule if isinstance(one, Removal) else "" for one in found]
    assert rules == [rule for _, rule in REJECTS]
    assert isinstance(other, Problem), "a bad row does not take the others with it"


@pytest.mark.parametrize(
    ("program", "left"),
    [
        ("print(1)\nx = 2\nprint(x,\n      3)", "x = 2"),
        ("x = 2; print(x)", "x = 2; print(x)"),  # on a line with another statement
        ("if x:\n    print(x)", "if x:\n    print(x)"),
        ("print(1", "print(1"),
        ("s = '''\nprint(1)\n'''", "s = '''\nprint(1)\n'''"),
    ],
)
def test_only_prints_at_the_top_level_go(program, left):
    assert without_prints(program) == left


def test_the_last_candidate_has_programs_that_printed_nothing():
    steps = steps_of(solution(("", "s = 3", ""), ("", "print(s)", "3")))
    assert candidates(steps) == ["print(s)", "s = 3\nprint(s)"]


def test_the_end_is_learned_where_decoding_meets_it(tokenizer):
    changes = document(ROOT / "experiments/mmos/params.yaml")
    params = parse(overlaid(document(ROOT / "params.yaml"), changes))
    assert params.sft_tir.packing == "wrapped"
    (found,) = sifted(row(solution(SUM, REMAINDER)))
    assert isinstance(found, Problem)
    template = TEMPLATES[params.template.name]
    learned = encode(tokenizer, template, found.problem, found.solution, end_line=True)
    met = tokens_of(tokenizer, template.render(found.problem) + found.solution + "\n")[0]
    assert learned["input_ids"] == [*met, tokenizer.eos_token_id]
    assert learned["labels"][-1] == tokenizer.eos_token_id != IGNORED


def test_a_trace_answers_with_its_last_output():
    program = "We add.\n```python\nprint(1)\nprint(1 + 2)\n```\n```output\n"
    rule = AnswerRule(integer=True, modulus=0, lowest=None, highest=None, from_output=True)
    limits = TraceLimits(0, 1.0, 256, 1000, 1, 200)

    async def run():
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            agent = Agent(Scripted(program, "\n"), pool, PLAIN, limits)
            return await run_trace(agent, Problem("p", "Q", "3", "t"), 1, 0, rule)

    trace = asyncio.run(run())
    assert (trace.answer, trace.end, trace.block_statuses) == ("3", "answer", ["ok"])
