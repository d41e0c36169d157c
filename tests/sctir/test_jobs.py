"""How many problems are solved at the same time."""

import asyncio
import time

import pytest

from numina.agent.trace import Event, step_seed
from numina.engine.protocol import Completion
from numina.engine.replay import Recorded
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.sctir.clock import Clock
from numina.sctir.jobs import Job, side_by_side, solve_jobs
from numina.sctir.journal import Journal
from tests.conftest import changed_params

BASE = {"engine.name": "transformers", "engine.batch_size": 48, "sctir.n": 7}


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, 24),  # 4 of 7 traces could settle a vote, and 96 are to be in flight
        ({"sctir.at_once": 7}, 14),
        ({"sctir.n": 1000}, 1),
        ({"engine.batch_size": 1}, 1),
        ({"engine.name": "server", "hardware.server.urls": ["http://a/v1", "http://b/v1"]}, 48),
        ({"time_bank.budget_s": 60}, 1),
    ],
)
def test_the_traces_of_the_problems_fill_the_engine(changes, expected):
    assert side_by_side(changed_params(BASE | changes)) == expected


@pytest.mark.parametrize("batch_size, most", [(1, 1), (3, 2), (48, 6)])
def test_no_more_problems_than_that_are_begun(tmp_path, batch_size, most):
    problems = [Problem(f"p{i}", f"What is {i}?", "1", "test") for i in range(6)]
    answer = Completion(r"\boxed{1}", "end", 5, 3, -1.0)
    recording = [
        Recorded(step_seed(1, problem.id, index, 0), 0.05, answer)
        for problem in problems
        for index in range(3)
    ]
    write_rows(tmp_path / "recording.jsonl", recording)
    params = changed_params(
        {
            "engine.name": "replay",
            "engine.recording": str(tmp_path / "recording.jsonl"),
            "engine.batch_size": batch_size,
            "sctir.n": 3,
            "sctir.stop": "none",
        }
    )
    jobs = [Job(problem, 1, params.answers.solve) for problem in problems]
    begun: set[str] = set()
    counts = []

    def watch(event: Event) -> None:
        if event.kind == "start":
            begun.add(event.problem_id)
            counts.append(len(begun))

    clock = Clock(params.time_bank, len(jobs), time.monotonic)
    with Journal(tmp_path / "journal" / "traces.jsonl") as journal:
        outcome = asyncio.run(
            solve_jobs(
                params,
                tmp_path,
                jobs,
                journal,
                watch,
                lambda place, _: begun.discard(problems[place].id),
                clock,
            )
        )
    assert [verdict.answer for verdict in outcome.verdicts] == ["1"] * 6
    assert max(counts) == most
