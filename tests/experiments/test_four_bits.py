"""AWQ and GPTQ in 4 bits: what changed, and the speed in a real vLLM."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from experiments.asked import prompts
from experiments.four_bits import speed
from experiments.four_bits.in_vllm import Decoded, rate
from experiments.four_bits.settings import Served
from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import write_json, write_rows
from numina.template import Template
from tests.conftest import make_trace
from tests.engine.test_vllm import needs_vllm

ROOT = Path(__file__).resolve().parents[2]
SERVED = Served(prompts=2, new_tokens=4, limit_s=200)
RECORD = {
    **{"method": "GPTQ", "bits": 8, "group_size": 64, "calibration_rows": 1},
    **{"loss_rows": 1, "loss_tokens": 9, "loss_before": 0.1, "loss_after": 0.2},
    **{"perplexity_before": 1.1, "perplexity_after": 1.2, "top1_agreement": 1.0, "kl": 0.01},
    **{"bytes_before": 4_000_000, "bytes_after": 1_000_000},
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A validation set, greedy traces of three models, and two quantisers' records."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    problems = [Problem(f"p{n}", "How many?", str(n), "made") for n in range(3)]
    write_rows(Path("validation/amc.jsonl"), problems)
    answers = {"greedy/tir": "017", "greedy/quantised": "017", "this": "0x2"}
    for folder, row in answers.items():
        given = [None if answer == "x" else answer for answer in row]
        traces = [make_trace(p.id, answer=a) for p, a in zip(problems, given, strict=True)]
        write_rows(Path(folder, "amc.jsonl"), traces)
    write_json(Path("recipe/cost.json"), RECORD)
    write_json(Path("model/cost.json"), {**RECORD, "method": "AWQ", "bits": 4})
    write_json(Path("experiments/awq/params.yaml"), {"awq": SERVED.model_dump()})
    return tmp_path


def compared() -> subprocess.CompletedProcess[str]:
    return run(
        *("experiments.four_bits.compare", "--model", "model", "--greedy", "this"),
        *("--recipe", "recipe", "--recipe_greedy", "greedy"),
        *("--validation", "validation", "--out", "cost.json"),
    )


def test_answers_are_compared_with_those_of_the_plain_model(workspace):
    done = compared()
    assert done.returncode == 0, done.stderr
    found = json.loads(Path("cost.json").read_text())
    assert found["recipe"]["answers"]["changed"] == 0
    answers = found["this"]["answers"]
    assert (answers["changed"], answers["right_to_wrong"], answers["wrong_to_right"]) == (2, 1, 1)
    assert answers["which"]["wrong_to_right"] == ["amc/p2"]
    assert (found["this"]["method"], found["this"]["bits"], found["this"]["kl"]) == ("AWQ", 4, 0.01)
    assert "this: 4-bit AWQ, 1 MB, loss 0.2, KL 0.01, 2 of 3 answers changed" in done.stdout


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda: Path("this/amc.jsonl").unlink(), "this/amc.jsonl"),
        (lambda: write_rows(Path("this/amc.jsonl"), [make_trace("p0")]), "problem 'p1' is missing"),
        (lambda: write_json(Path("model/cost.json"), {"bits": 4}), "model/cost.json"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(workspace, damage, error):
    damage()
    done = compared()
    assert done.returncode == 1
    assert error in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("cost.json").exists()


def test_without_vllm_the_speed_is_not_measured_and_says_why(monkeypatch):
    monkeypatch.setattr(speed, "vllm_python", lambda: None)
    found = speed.measured(Path("model"), ["We add."], SERVED)
    assert (found["outcome"], found["reason"]) == ("not measured", speed.MISSING)
    assert speed.in_words(found) == f"not measured: {speed.MISSING}"
    assert speed.measured(Path("model"), [], SERVED)["reason"] == "prompts: 0"


def test_a_model_that_takes_too_long_is_a_result(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o755)
    monkeypatch.setattr(speed, "vllm_python", lambda: python)
    slow = SERVED.model_copy(update={"limit_s": 0.2})
    found = speed.measured(Path("models/tir"), ["We add."], slow)
    assert (found["outcome"], found["reason"]) == ("over the limit", "not done within 0.2 s")


def test_a_vllm_that_breaks_is_an_error_with_its_last_line(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho first\necho the reason\nexit 7\n")
    python.chmod(0o755)
    monkeypatch.setattr(speed, "vllm_python", lambda: python)
    with pytest.raises(UserError, match="models/tir: vLLM ended with status 7: the reason"):
        speed.measured(Path("models/tir"), ["We add."], SERVED)


@pytest.mark.parametrize(
    ("count", "asked"), [(0, []), (2, ["1", "4"]), (3, ["1", "3", "5"]), (9, list("123456"))]
)
def test_problems_that_are_asked_are_from_all_splits(tmp_path, count, asked):
    for split, numbers in (("a", "12"), ("b", "3456")):
        rows = [Problem(number, number, "1", "made") for number in numbers]
        write_rows(tmp_path / f"{split}.jsonl", rows)
    assert prompts(tmp_path, count, Template("{problem}")) == asked


def test_a_rate_is_over_all_parts():
    parts = [Decoded([], 1.0), Decoded([], 3.0)]
    parts[0].tokens, parts[1].tokens = 10, 50
    assert rate(parts) == 15.0


@needs_vllm
def test_a_real_vllm_is_measured_and_what_it_refuses_is_said(workspace, model_folder):
    """An 8-bit GPTQ checkpoint has no kernel on a CPU; the plain model is decoded."""
    (workspace / ".venv-vllm").symlink_to(ROOT / ".venv-vllm")
    eight = workspace / "eight"
    eight.mkdir()
    for file in model_folder.iterdir():
        (eight / file.name).write_bytes(file.read_bytes())
    config = json.loads((eight / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 8, "desc_act": False}
    (eight / "config.json").write_text(json.dumps(config))
    done = run(
        *("experiments.stage", "awq", "experiments.four_bits.speed", "--name", "awq"),
        *("--plain", str(model_folder), "--recipe", "eight", "--model", "eight"),
        *("--validation", "validation", "--out", "speed.json"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(Path("speed.json").read_text())
    assert found["plain"]["outcome"] == "measured"
    assert (found["plain"]["completions"], found["plain"]["failed"]) == (2, 0)
    assert found["plain"]["tokens_per_s"] > 0
    assert found["recipe"]["outcome"] == "refused"
    assert "no kernel for 8-bit GPTQ" in found["recipe"]["reason"]


@pytest.mark.parametrize("name", ["awq", "int4"])
def test_a_stage_tracks_the_whole_overlay(name):
    """DVC does not see which sections of it a stage reads; a new one would go stale silently."""
    document = yaml.safe_load((ROOT / "experiments" / name / "dvc.yaml").read_text())
    overlay = f"experiments/{name}/params.yaml"
    for key, stage in document["stages"].items():
        if "experiments.stage" in stage["cmd"]:
            assert {overlay: None} in stage["params"], key
