"""What is recorded is replayed: the same verdict, whatever the order in which traces end."""

import asyncio
import contextlib
import dataclasses
import json
import random

import pytest

from numina.agent.trace import Agent, TraceLimits
from numina.engine import replay
from numina.engine.choose import open_engine
from numina.engine.protocol import Completion, Sampling
from numina.engine.replay import Recorder, ReplayEngine, read_recording, recording
from numina.errors import UserError
from numina.fences import OUTPUT_START
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sandbox.result import Result
from numina.sctir.solve import solve
from numina.template import TEMPLATES
from tests.conftest import PARAMS, changed_params

PROBLEM = Problem(id="p", problem="What is $1+2$?", answer="3", source="")
LIMITS = TraceLimits(0.8, 1.0, 64, 120, 2, 200)
SCTIR = PARAMS.sctir.model_copy(update={"n": 9, "stop": "lossless"})
LIMIT_S = 60


class Drawn:
    """Writes a program, then an answer, both by the seed; three characters a token."""

    async def __aenter__(self) -> "Drawn":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return len(text) // 3

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        drawn = random.Random(sampling.seed)
        await asyncio.sleep(drawn.uniform(0.01, 0.1))
        if OUTPUT_START in prompt:
            text = f"So \\boxed{{{drawn.choice([3, 3, 3, 3, 8])}}}."
            return Completion(text, "end", self.count_tokens(prompt), 9, -1.0)
        text = f"```python\nprint({'1+' * drawn.choice([1, 199])}2)\n{OUTPUT_START}"
        return Completion(text, "stop", self.count_tokens(prompt), 9, -1.0)


class Threes:
    """A sandbox whose programs print 3."""

    @contextlib.asynccontextmanager
    async def session(self, seed=0):
        yield self

    async def run(self, code: str) -> Result:
        return Result("ok", "3\n", None, None, None, False, 0.0, 0.0, 0.0)


def verdict_of(engine, sctir=SCTIR) -> Verdict:
    async def go() -> Verdict:
        async with asyncio.timeout(LIMIT_S), engine:
            agent = Agent(engine, Threes(), TEMPLATES["boundary"], LIMITS)
            return await solve(agent, PROBLEM, 1, sctir, PARAMS.answers.solve)

    return asyncio.run(go())


def record(path, sctir=SCTIR) -> Verdict:
    async def go() -> Verdict:
        async with asyncio.timeout(LIMIT_S), Drawn() as engine, recording(engine, path) as kept:
            agent = Agent(kept, Threes(), TEMPLATES["boundary"], LIMITS)
            return await solve(agent, PROBLEM, 1, sctir, PARAMS.answers.solve)

    return asyncio.run(go())


def replayed(path):
    params = changed_params({"engine.name": "replay", "engine.recording": str(path)})
    return open_engine(params.engine, params.hardware, path.parent, 512)


def test_a_recorded_solve_replays_to_the_same_verdict(tmp_path):
    sctir = SCTIR.model_copy(update={"stop": "none"})
    first = record(tmp_path / "recording.jsonl", sctir)
    again = verdict_of(replayed(tmp_path / "recording.jsonl"), sctir)
    ends = {trace.end for trace in first.traces}
    assert {"answer", "context"} <= ends, "both kinds of end are in the recording"
    assert first.answer == again.answer == "3"
    assert first.votes == again.votes
    for mine, theirs in zip(first.traces, again.traces, strict=True):
        assert (mine.text, mine.end, mine.answer) == (theirs.text, theirs.end, theirs.answer)
        assert (mine.logprob, mine.generated_tokens) == (theirs.logprob, theirs.generated_tokens)


def test_a_verdict_that_stopped_early_is_replayed_however_traces_overtake_each_other(tmp_path):
    first = record(tmp_path / "recording.jsonl")
    assert first.cancelled or first.outstanding
    recorded, counted = read_recording(tmp_path / "recording.jsonl")
    for shuffle in range(3):
        draw = random.Random(shuffle)
        rows = [dataclasses.replace(row, seconds=draw.uniform(0, 0.1)) for row in recorded]
        assert verdict_of(ReplayEngine(rows, counted=counted)).answer == first.answer


def test_what_was_done_is_written_when_the_work_is_interrupted(tmp_path):
    path = tmp_path / "recording.jsonl"

    async def go() -> None:
        async with Drawn() as engine, recording(engine, path) as kept:
            await kept.complete("Q", Sampling(1, 1, 9, (), 5))
            await kept.complete("Q", Sampling(1, 1, 9, (), 4))
            await asyncio.sleep(60)

    async def interrupt() -> None:
        task = asyncio.create_task(go())
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(interrupt())
    recorded, _ = read_recording(path)
    assert [row.seed for row in recorded] == [4, 5]


def test_a_file_that_cannot_be_written_is_told_before_any_work(tmp_path):
    async def go() -> None:
        async with Drawn() as engine, recording(engine, tmp_path):
            raise AssertionError("work was begun")

    with pytest.raises(UserError, match="is a folder"):
        asyncio.run(go())


def test_a_completion_that_was_not_recorded_is_an_error(monkeypatch):
    monkeypatch.setattr(replay, "QUIET_S", 0.2)
    with pytest.raises(UserError, match="no completion with seed 7 was recorded"):
        asyncio.run(ReplayEngine([]).complete("Q", Sampling(1, 1, 9, (), 7)))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{}", "line 2: not a recorded completion .field 'seed'"),
        ('{"seed": 1, "seconds": 1, "completion": 3}', "line 2: .* field|line 2: not a recorded"),
        ('{"seed": 1, "seconds": 1, "completion": {"text": "x"}}', "field 'completion.finish'"),
        ("[]", "line 2: list, not an object"),
        ("x", "line 2: not JSON"),
    ],
)
def test_a_damaged_recording_is_one_line(tmp_path, line, reason):
    good = {"seed": 1, "seconds": 0, "completion": dataclasses.asdict(GOOD)}
    path = tmp_path / "recording.jsonl"
    path.write_text(json.dumps(good) + "\n" + line + "\n")
    with pytest.raises(UserError, match=reason) as error:
        replayed(path)
    assert str(path) in str(error.value)


def test_a_recording_without_completions_is_an_error(tmp_path):
    (tmp_path / "recording.jsonl").write_text("")
    with pytest.raises(UserError, match="holds no recorded completions"):
        replayed(tmp_path / "recording.jsonl")


GOOD = Completion("4", "end", 3, 2, -0.5)


def test_waiting_is_not_recorded_as_work():
    class Late(Drawn):
        async def complete(self, prompt: str, sampling: Sampling) -> Completion:
            started = asyncio.get_running_loop().time()
            await asyncio.sleep(0.3)
            waited = asyncio.get_running_loop().time() - started
            return dataclasses.replace(GOOD, waited_s=waited)

    recorder = Recorder(Late())
    asyncio.run(recorder.complete("Q", Sampling(1, 1, 9, (), 7)))
    assert recorder.recorded[0].seconds < 0.3
