"""The caches and the compiler, on a tiny model in real processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.cache.measure import check_same, figures, one_way, unfinished
from experiments.cache.settings import CacheParams
from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import write_json, write_rows

ROOT = Path(__file__).resolve().parents[2]
KNOBS = {
    **{"prompts": 3, "new_tokens": 6, "repeats": 1},
    **{"dtype": "float32", "mode": "default", "limit_s": 200},
}
EAGER = {**KNOBS, "backend": "eager"}  # traces as inductor does, and makes no kernels
DONE = {"outcome": "done", "load_s": 1.0, "runs_s": [3.0, 1.0], "tokens": [[1, 2, 3], [4]]}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """What the stage reads; problems of different lengths, so that rows are padded."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    problems = [Problem(f"p{n}", "How many? " * (n + 1), "1", "made") for n in range(4)]
    write_rows(Path("validation/amc.jsonl"), problems[:2])
    write_rows(Path("validation/aime.jsonl"), problems[2:])
    write_json(Path("experiments/cache/params.yaml"), {"cache": EAGER})  # JSON is YAML
    return tmp_path


def measured(model: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "experiments.stage", "cache", "experiments.cache.measure"),
            *("--model", str(model), "--validation", "validation", "--out", "result.json"),
        ],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_all_ways_give_the_same_tokens_and_their_speeds(workspace, model_folder):
    done = measured(model_folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(Path("result.json").read_text())
    ways = found["devices"]["cpu"]
    assert list(ways) == ["dynamic", "static", "compiled_cold", "compiled_warm"]
    assert {way["outcome"] for way in ways.values()} == {"done"}
    assert len({way["tokens"] for way in ways.values()}) == 1
    assert ways["dynamic"]["tokens"] > 0
    assert ways["compiled_cold"]["graphs"] >= 1
    assert "graphs" not in ways["static"]
    assert found["backend"] == "eager"


def test_a_compiler_that_fails_is_a_result(tmp_path, model_folder, monkeypatch):
    """Not an error of the experiment: the other ways are kept."""
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))
    job, params = tmp_path / "job.json", {**KNOBS, "backend": "inductor"}
    write_json(job, {"prompts": ["We add."], "params": params})
    places = tmp_path / "out.json", tmp_path / "kernels"
    found = one_way("compiled_cold", "cpu", model_folder, job, *places, 200)
    assert found["outcome"] == "failed"
    assert "no-compiler" in found["reason"]
    assert found["runs_s"] == []


def test_a_way_that_does_not_end_is_ended_at_the_limit(tmp_path, model_folder):
    job = tmp_path / "job.json"
    write_json(job, {"prompts": ["We add."], "params": EAGER})
    found = one_way("dynamic", "cpu", model_folder, job, tmp_path / "o", tmp_path / "k", 0.5)
    assert found["outcome"] == "over the limit"
    assert found["reason"].startswith("loading the model did not end within 0.5 s")
    assert figures(found, DONE) == {key: found[key] for key in ("outcome", "reason")}


@pytest.mark.parametrize(
    ("had", "part"),
    [
        ({}, "loading the model"),
        ({"load_s": 2, "runs_s": []}, "the first run, which compiles"),
        ({"load_s": 2, "runs_s": [9, 1]}, "run 3"),
    ],
)
def test_what_was_not_done_at_the_limit_is_named(had, part):
    assert unfinished(had, 5).startswith(part)


@pytest.mark.parametrize(
    ("tokens", "error"),
    [
        ([[1, 2, 3], [4]], None),
        ([[1, 9, 3], [4]], r"prompt 1, new token 2: \[9, 3\] instead of \[2, 3\]"),
        ([[1, 2], [4]], r"prompt 1, new token 3: \[\] instead of \[3\]"),
        ([[1, 2, 3], [4, 4]], r"prompt 2, new token 2: \[4\] instead of \[\]"),
    ],
)
def test_other_tokens_are_an_error_with_their_place(tokens, error):
    row = {**DONE, "tokens": tokens}
    if error is None:
        return check_same(DONE, row, "m: static on cpu")
    with pytest.raises(UserError, match=f"m: static on cpu: other tokens .*{error}"):
        check_same(DONE, row, "m: static on cpu")


def test_tokens_of_a_way_that_did_not_end_are_compared_too():
    row = {"outcome": "over the limit", "reason": "slow", "tokens": [[7], [4]]}
    with pytest.raises(UserError, match="prompt 1, new token 1"):
        check_same(DONE, row, "compiled")
    check_same(DONE, {"outcome": "not tried"}, "compiled")


def test_a_first_run_is_not_part_of_the_speed():
    row = {**DONE, "runs_s": [9.0, 0.5, 0.5, 7.0]}
    found = figures(row, DONE)
    assert (found["first_s"], found["later_s"], found["setup_s"]) == (9.0, 0.5, 8.5)
    assert (found["tokens_per_s"], found["speedup"]) == (8.0, 2.0)


def test_a_folder_without_a_model_is_one_line_and_nothing_is_written(workspace):
    done = measured(Path("no-model"))
    assert done.returncode == 1
    assert "error: no-model" in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("result.json").exists()


def test_knobs_that_mean_nothing_are_refused():
    for wrong in ({"repeats": 0}, {"backend": "tvm"}, {"limit_s": 0}, {"limits": 3}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            CacheParams.model_validate({**EAGER, **wrong})
