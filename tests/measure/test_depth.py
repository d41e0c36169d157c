"""The vote by depth, worked by hand."""

import asyncio

import pytest

from numina.agent.trace import Agent, TraceLimits, run_trace
from numina.measure.depth import cut_trace, depth_rows
from numina.measure.results import Results
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sandbox.pool import SandboxPool
from numina.settings.splits import AnswerRule
from tests.conftest import PARAMS, SANDBOX, SANDBOX_HARDWARE, make_trace
from tests.sctir.scripted import PLAIN, Scripted

RULE = AnswerRule(integer=True, modulus=0, lowest=None, highest=None, from_output=False)
PRINTED = RULE.model_copy(update={"from_output": True})


def made(programs: int, answer: str, index: int = 0, said: str = ""):
    """A trace with an answer after its programs, which print 1, 2, ...; `said` is in the middle."""
    ran = [f"```python\nx\n```\n```output\n{i + 1}\n```\n{said}\n" for i in range(programs)]
    text = "".join(ran) + f"The answer is $\\boxed{{{answer}}}$."
    return make_trace(index=index, answer=answer, text=text, statuses=("ok",) * programs)


@pytest.mark.parametrize(
    ("trace", "depth", "rule", "answer"),
    [
        (made(2, "7"), 2, RULE, "7"),
        (made(2, "7"), 1, RULE, None),
        (made(0, "7"), 1, RULE, "7"),
        (made(3, "7"), 2, RULE, None),
        (made(3, "7"), 2, PRINTED, None),  # its last output is the one that never came
        (made(2, "7", said="It is \\boxed{5}."), 1, RULE, "5"),
    ],
)
def test_a_trace_is_cut_where_it_asks_for_one_program_more(trace, depth, rule, answer):
    found = cut_trace(trace, depth, rule)
    assert found.answer == answer
    assert len(found.block_statuses) == min(depth, len(trace.block_statuses))


def test_a_cut_trace_ends_with_the_output_that_it_asked_for():
    assert cut_trace(made(2, "7"), 1, RULE).text.endswith("```python\nx\n```\n```output\n")


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("said", ["", " So it is \\boxed{2}."])
def test_a_cut_trace_is_what_a_run_with_that_depth_gives(depth, said):
    code = "We run.{said}\n```python\nprint({n})\n```\n```output\n"
    steps = [code.format(said=said, n=n) for n in (1, 2, 3)]

    async def run(depth: int):
        limits = TraceLimits(0, 1.0, 256, 1000, depth, 200)
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            agent = Agent(Scripted(*steps, "The answer is $\\boxed{6}$."), pool, PLAIN, limits)
            return await run_trace(agent, Problem("p", "Q", "6", "t"), 1, 0, RULE)

    cut, ran = cut_trace(asyncio.run(run(4)), depth, RULE), asyncio.run(run(depth))
    for field in ("text", "answer", "end", "block_statuses"):
        assert getattr(cut, field) == getattr(ran, field)


def verdict(*traces, n: int) -> Verdict:
    return Verdict("p", 1, "7", {}, n, list(traces), "lossless", 0, n - len(traces), 0, 1.0)


def test_the_vote_by_depth_worked_by_hand():
    # With one program, the wrong answer alone has a vote; with two, the right one has two.
    full = verdict(made(1, "3", 0), made(2, "7", 1), made(2, "7", 2), n=3)
    # With one program, none of the two has a vote: the third, which was not run, might have.
    early = verdict(made(2, "7", 0), made(2, "7", 1), n=3)
    problem = Problem("p", "?", "7", "t")
    results = Results({"s": [problem], "t": [problem]}, {}, {"s": {1: [full]}, "t": {1: [early]}})
    rows = depth_rows(results, PARAMS.sctir, {"s": RULE, "t": RULE})
    found = [(r["split"], r["depth"], r["accuracy"], r["guessed"]) for r in rows]
    of_split = {split: [row[1:] for row in found if row[0] == split] for split in ("s", "t", "all")}
    assert of_split == {
        "s": [(1, 0, 0), (2, 1, 0), (3, 1, 0), (4, 1, 0)],
        "t": [(1, 0, 1), (2, 1, 0), (3, 1, 0), (4, 1, 0)],
        "all": [(1, 0, 1), (2, 1, 0), (3, 1, 0), (4, 1, 0)],
    }
