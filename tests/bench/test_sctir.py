"""The benchmarks of SC-TIR: what they promise of answers and tokens, on a small model."""

import asyncio

from numina.agent.trace import step_seed
from numina.bench import contest, sctir
from numina.bench.notebook import Executed
from numina.bench.recorded import RecordingPool
from numina.bench.simulated_time import SimulatedLoop
from numina.engine.protocol import Completion
from numina.engine.replay import Recorded
from numina.records.problem import Problem
from numina.sandbox.result import Result
from numina.sources.catalog import validation_problems
from tests.conftest import changed_params

N = 4


def test_stopping_changes_no_answer_on_the_model_or_on_what_it_recorded(model_folder):
    params = changed_params()
    short = {"n": N, "max_new_tokens": 24, "max_context": 400}
    small = params.model_copy(
        update={
            "engine": params.engine.model_copy(update={"name": "transformers"}),
            "sctir": params.sctir.model_copy(update=short),
        }
    )
    found = sctir.bench(small, model_folder, problems=2, n=N, replayed=30)
    assert found["ratios"]["answers_changed"] == found["ratios"]["answers_changed_replay"] == 0
    assert found["notebook"]["tokens"] >= found["full"]["tokens"] >= found["ours"]["tokens"] > 0
    assert found["replay_full"]["problems"] == 30


def test_a_replayed_problem_ends_as_the_recorded_one_did(model_folder):
    params = changed_params()
    params = params.model_copy(
        update={
            "engine": params.engine.model_copy(update={"name": "transformers"}),
            "sctir": params.sctir.model_copy(update={"n": N, "max_new_tokens": 24}),
        }
    )
    problems = validation_problems(1, 1, 5, 30)[:3]
    live, tape = asyncio.run(sctir.decode(params, model_folder, problems))
    played = {name: sctir.Measured() for name in ("full", "eager", "together", "notebook")}
    rows = [(str(i), problem.id, list(range(N))) for i, problem in enumerate(problems)]
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(sctir.replay_set(params, tape, rows, played))
    for name in ("full", "notebook"):
        assert played[name].answers == live[name].answers
        assert played[name].tokens == live[name].tokens


def test_a_trace_whose_context_was_full_ends_in_the_replay_as_well():
    params = changed_params({"sctir.n": 1, "sctir.max_context": 512})
    text = "```python\nprint(7)\n```\n```output\n"
    step = Completion(text, "stop", prompt_tokens=500, generated_tokens=12, logprob_sum=0.0)
    seed = step_seed(sctir.SEED, "p", 0, 0)
    pool = RecordingPool(None)
    pool.results["print(7)",] = Result("ok", "7\n", None, None, None, False, 0.1, 0.1, 0.0)
    tape = sctir.Tape(
        [Problem("p", "", "7", "")],
        {seed: Recorded(seed, 1.0, step)},
        {seed: Recorded(seed, 1.0, step)},
        pool,
        {"print(7)": Executed("7", 0.1)},
    )
    played, _ = sctir.replay(params, tape, 3)
    assert {name: row.tokens for name, row in played.items()} == dict.fromkeys(played, 3 * 12)


def test_the_time_bank_raises_a_contests_score_and_steadies_it():
    found = contest.bench(changed_params(), orders=8)
    assert found["work"]["needed_over_budget"] > 1
    assert found["bank"]["score_mean"] > found["stop"]["score_mean"] > found["fixed"]["score_mean"]
    assert found["bank"]["score_std"] < found["fixed"]["score_std"]
