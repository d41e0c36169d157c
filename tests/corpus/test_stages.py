"""A damaged row is one line with file and row, in every stage of the data build and of training."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from numina.errors import UserError

GOOD = {"id": "a", "problem": "What is 1?", "answer": "1", "source": "t", "solution": "One."}
CUT = '{"id": "b", "problem": "x'
STEPS = '{"id": "a", "steps": [{"thought": "We count."}]}'


@pytest.mark.parametrize(
    ("stage", "folders", "file", "line"),
    [
        ("collect", ("digitized",), "digitized/pairs.jsonl", CUT),
        ("dedup", ("collected", "validation"), "collected/problems.jsonl", CUT),
        ("dedup", ("collected", "validation"), "validation/amc.jsonl", CUT),
        ("cot_data", ("clean",), "clean/problems.jsonl", CUT),
        ("tir_data", ("clean", "collected"), "clean/problems.jsonl", CUT),
        ("tir_data", ("clean", "collected"), "collected/steps.jsonl", STEPS),
        ("sft", ("section", "model", "data", "loss", "rows"), "data/train.jsonl", CUT),
        ("quantize", ("model", "data"), "data/train.jsonl", CUT),
    ],
)
def test_a_damaged_row_is_named_and_nothing_is_written(
    tmp_path, monkeypatch, model_folder, stage, folders, file, line
):
    written = {
        "digitized/pairs.jsonl": GOOD,
        "collected/problems.jsonl": GOOD,
        "collected/steps.jsonl": {"id": "a", "steps": []},
        "validation/amc.jsonl": {**GOOD, "id": "v"},
        "clean/problems.jsonl": GOOD,
        "data/train.jsonl": GOOD,
    }
    for name, row in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(row) + "\n" + (line if name == file else ""))
    given = {name: tmp_path / name for name in folders}
    given |= {"model": model_folder} if "model" in folders else {}
    given |= {"section": Path("sft_cot")} if "section" in folders else {}
    given["out"] = tmp_path / "out"
    arguments = [part for name, path in given.items() for part in (f"--{name}", str(path))]
    monkeypatch.setattr(sys, "argv", [stage, *arguments])
    with pytest.raises(UserError, match=rf"{tmp_path / file}, line 2: ") as error:
        importlib.import_module(f"stages.{stage}").main()
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
