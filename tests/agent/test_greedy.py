"""Greedy traces: the same from one process and from several, in the order of the problems."""

import dataclasses

import pytest

from numina.agent.greedy import Asked, decode_greedily
from numina.agent.open import greedy_limits
from numina.agent.trace import step_seed
from numina.engine.protocol import Completion
from numina.engine.replay import Recorded
from numina.records.problem import Problem
from numina.rows import write_rows
from tests.conftest import changed_params

PROBLEMS = [Problem(f"p-{i}", f"What is {i}?", str(i), "test") for i in range(5)]


def recorded() -> list[Recorded]:
    """A program for each problem, then its output as the answer."""
    rows = []
    for number, problem in enumerate(PROBLEMS):
        steps = [
            (f"```python\nprint({number})\n```\n```output\n", "stop"),
            (f"It is \\boxed{{{number}}}.", "end"),
        ]
        for step, (text, finish) in enumerate(steps):
            completion = Completion(text, finish, 5, len(text.split()), -1.0)
            rows.append(Recorded(step_seed(0, problem.id, 0, step), 0.0, completion))
    return rows


@pytest.mark.parametrize("processes", [1, 2, 4, 9])
def test_traces_do_not_depend_on_the_number_of_processes(tmp_path, processes):
    write_rows(tmp_path / "recording.jsonl", recorded())
    params = changed_params(
        {
            "engine.name": "replay",
            "engine.recording": str(tmp_path / "recording.jsonl"),
            "hardware.solvers": processes,
        }
    )
    limits = greedy_limits(params.eval_greedy, params.sandbox, params.eval_greedy.depth)
    asked = [Asked(problem, params.answers.solve) for problem in PROBLEMS]
    ended = []
    traces, layers = decode_greedily(params, tmp_path, limits, asked, lambda: ended.append(1))
    assert layers
    assert len(ended) == len(PROBLEMS)
    rows = [dataclasses.asdict(trace) for trace in traces]
    assert [(row["problem_id"], row["answer"]) for row in rows] == [
        (problem.id, problem.answer) for problem in PROBLEMS
    ]
    assert [row["block_statuses"] for row in rows] == [["ok"]] * len(PROBLEMS)
