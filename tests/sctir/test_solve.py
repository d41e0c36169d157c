"""One problem's vote: what is in flight, what is cancelled, what a kill leaves."""

import asyncio
import json
import random
import subprocess
import sys
import threading
import time

import pytest

from numina.agent.trace import Agent, TraceLimits, step_seed
from numina.engine.protocol import Completion, CompletionFailed, Sampling
from numina.engine.transformers import TransformersEngine
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sandbox.pool import SandboxPool
from numina.sctir.journal import Journal
from numina.sctir.solve import solve
from tests.conftest import SANDBOX, SANDBOX_HARDWARE, changed_params
from tests.dag import ROOT
from tests.sctir.scripted import PLAIN, NoPrograms, Scripted
from tests.sctir.solving import LIMITS, RULE

SCTIR = changed_params({"sctir.n": 5, "sctir.stop": "lossless", "sctir.vote": "uniform"}).sctir
QUESTION = Problem("p", "Q", "", "test")


class Timed(Scripted):
    """Trace i of problem "p" takes `seconds[i]` and answers `answers[i]`."""

    def __init__(self, seconds: list[float], answers: list[str]) -> None:
        super().__init__("")
        self.by_seed = {
            step_seed(1, "p", i, 0): (i, *row)
            for i, row in enumerate(zip(seconds, answers, strict=True))
        }
        self.in_flight = self.most = 0
        self.cancelled: list[int] = []

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        index, seconds, answer = self.by_seed[sampling.seed]
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled.append(index)
            raise
        finally:
            self.in_flight -= 1
        return Completion(f"\\boxed{{{answer}}}", "end", 1, 5, -1.0)


def solved(engine: Scripted, seconds: float | None = None, **changes) -> Verdict:
    agent = Agent(engine, NoPrograms(), PLAIN, LIMITS)
    sctir = SCTIR.model_copy(update=changes)
    return asyncio.run(solve(agent, QUESTION, 1, sctir, RULE, None, seconds))


def test_agreeing_traces_stop_early_with_their_certificate():
    verdict = solved(Timed([0.01] * 5, ["4"] * 5))
    assert (verdict.answer, verdict.votes, verdict.n) == ("4", {"4": 3}, 5)
    assert verdict.stop == "lossless"
    assert verdict.margin == 3 > verdict.outstanding == 2
    assert [trace.index for trace in verdict.traces] == [0, 1, 2]


def test_no_trace_waits_for_another_and_stragglers_are_cancelled():
    engine = Timed([0.01, 60, 0.02, 0.03, 0.04], ["4", "9", "9", "4", "4"])
    started = time.monotonic()
    verdict = solved(engine, at_once=5)
    assert time.monotonic() - started < 10
    # 4, 9, 4, 4 are in: a lead of 2 with one outstanding.
    assert (verdict.votes, verdict.margin, verdict.outstanding) == ({"4": 3, "9": 1}, 2, 1)
    assert (engine.cancelled, verdict.cancelled) == ([1], 1)


def test_without_a_stop_all_run_side_by_side():
    engine = Timed([0.05] * 5, ["4"] * 5)
    verdict = solved(engine, stop="none")
    assert (engine.most, len(verdict.traces), verdict.stop) == (5, 5, "full")


def test_at_the_deadline_the_best_vote_so_far_stands():
    verdict = solved(Timed([0.01, 0.01, 60, 60, 60], ["4", "4", "9", "9", "9"]), seconds=0.5)
    assert (verdict.answer, verdict.stop, verdict.outstanding) == ("4", "deadline", 3)
    assert verdict.cancelled


def test_a_failure_of_the_engine_ends_the_other_traces():
    class Failing(Timed):
        async def complete(self, prompt: str, sampling: Sampling) -> Completion:
            if self.by_seed[sampling.seed][0] == 1:
                await asyncio.sleep(0.05)
                raise RuntimeError("out of memory")
            return await super().complete(prompt, sampling)

    engine = Failing([60] * 5, ["4"] * 5)
    with pytest.raises(RuntimeError, match="out of memory"):
        solved(engine)
    assert engine.in_flight == 0


def start(folder, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.sctir.solving"]
    return subprocess.Popen(
        [*command, str(folder / f"{name}.jsonl"), str(folder / f"{name}.json")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_killed_at_twenty_points_it_repeats_no_finished_trace_and_ends_the_same(tmp_path):
    whole = start(tmp_path, "whole")
    assert whole.stdout
    decoded = whole.stdout.read().split("\n")[:-1]
    assert whole.wait() == 0
    assert len(decoded) == len(set(decoded)) == 48
    rng = random.Random(0)
    for point in range(20):
        name = f"killed{point}"
        killed = start(tmp_path, name)
        assert killed.stdout
        seen = [killed.stdout.readline() for _ in range(rng.randrange(1, 46))]
        time.sleep(rng.uniform(0, 0.005))
        killed.kill()
        killed.wait()
        assert not (tmp_path / f"{name}.json").exists(), "it ended before it could be killed"
        journal = tmp_path / f"{name}.jsonl"
        lines = journal.read_bytes().split(b"\n")[:-1]
        finished = {(json.loads(line)["problem_id"], json.loads(line)["index"]) for line in lines}
        assert finished or len(seen) < 12  # many may end in one turn of the event loop
        if point % 2:  # a kill inside a write leaves this
            journal.write_bytes(b"\n".join([*lines, b'{"problem_id": "p']))
        again = start(tmp_path, name)
        assert again.stdout
        repeated = again.stdout.read().split("\n")[:-1]
        assert again.wait() == 0
        seeds = {f"decoded {step_seed(1, problem, index, 0)}" for problem, index in finished}
        assert not seeds & set(repeated)
        assert len(repeated) == 48 - len(finished)
        assert (tmp_path / f"{name}.json").read_text() == (tmp_path / "whole.json").read_text()


def test_the_same_seed_gives_the_same_traces_on_the_transformers_engine(model_folder):
    """With a real model, whatever the batches that the traces meet."""
    limits = TraceLimits(1.0, 1.0, 24, 400, 2, 200)

    async def go(batch_size: int) -> list[str]:
        params = changed_params({"engine.batch_size": batch_size, "engine.dtype": "float32"})
        engine = TransformersEngine(
            model_folder, params.engine, params.hardware.transformers, limits.max_context
        )
        async with engine, SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            agent = Agent(engine, pool, PLAIN, limits)
            sctir = SCTIR.model_copy(update={"stop": "none"})
            verdict = await solve(
                agent, Problem("p", "What is $4+12$?", "", "test"), 7, sctir, RULE
            )
        return [trace.text for trace in verdict.traces]

    first = asyncio.run(go(8))
    assert len(set(first)) == 5
    assert asyncio.run(go(8)) == first
    assert asyncio.run(go(2)) == first


class Failing(Timed):
    """Trace 0's request fails for good."""

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        if sampling.seed == step_seed(1, "p", 0, 0):
            raise CompletionFailed("status 400: too long")
        return await super().complete(prompt, sampling)


def test_a_request_that_fails_for_good_costs_its_trace_alone(tmp_path):
    engine = Failing([0.01] * 5, ["4"] * 5)
    agent = Agent(engine, NoPrograms(), PLAIN, LIMITS)
    with Journal(tmp_path / "traces.jsonl") as journal:
        verdict = asyncio.run(solve(agent, QUESTION, 1, SCTIR, RULE, journal))
    assert verdict.answer == "4"
    assert [trace.end for trace in verdict.traces if trace.index == 0] == ["failed"]
    with Journal(tmp_path / "traces.jsonl") as journal:  # it will be tried again
        assert 0 not in {trace.index for trace in journal.of("p", 1)}


def test_a_deadline_holds_while_an_answer_is_still_being_read(monkeypatch):
    hold = threading.Event()

    def slow(answer, rule):
        hold.wait(60 if answer == "x+1" else 0)
        return answer, "answer"

    monkeypatch.setattr("numina.agent.trace.admit", slow)
    engine = Timed([0.01] * 5, ["y", "y", "x+1", "x+1", "x+1"])
    agent = Agent(engine, NoPrograms(), PLAIN, LIMITS)
    rule = RULE.model_copy(update={"integer": False})

    async def go() -> Verdict:
        verdict = await solve(agent, QUESTION, 1, SCTIR, rule, None, 1.0)
        hold.set()
        return verdict

    verdict = asyncio.run(go())
    assert (verdict.stop, verdict.answer, verdict.votes) == ("deadline", "y", {"y": 2})
