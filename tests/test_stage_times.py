"""The times of the stages, which are no outs."""

import sys

import pytest

from numina import overlay, stage_times


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["stages/score.py", "--metrics", "m"], "score"),
        (["stages/collect.py", "--out", "data/collected"], "collect"),
        (["stages/sft.py", "--section", "sft_cot", "--out", "models/cot"], "sft models/cot"),
        (["stages/eval_greedy.py", "--out", "eval/greedy/tir"], "eval_greedy eval/greedy/tir"),
        (["stages/sft.py", "--out"], "sft"),
    ],
)
def test_a_stage_has_a_name_of_its_own(arguments, name):
    assert stage_times.name_of(arguments) == name


def test_a_stage_of_an_experiment_is_called_so_and_not_shown_in_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    monkeypatch.setenv(overlay.VARIABLE, "experiments/kto/params.yaml")
    monkeypatch.setattr(sys, "argv", ["experiments/kto/train.py", "--out", "model"])
    assert stage_times.name_of(sys.argv) == "experiment kto train"
    stage_times.note(2.0)
    assert stage_times.noted() == {}


def test_the_last_run_of_each_counts_and_a_torn_file_is_no_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert stage_times.noted() == {}
    stage_times.note(1.0)  # no folder for logs: nothing is noted, and nothing fails
    (tmp_path / "logs").mkdir()
    for stage, seconds in (("score", 1.04), ("collect", 2.0), ("score", 3.0)):
        monkeypatch.setattr(sys, "argv", [f"stages/{stage}.py"])
        stage_times.note(seconds)
    assert list(stage_times.noted().items()) == [("collect", 2.0), ("score", 3.0)]
    with stage_times.FILE.open("a") as file:
        file.write('{"stage": "rep')
    assert list(stage_times.noted()) == ["collect", "score"]
