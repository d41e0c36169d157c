"""The benchmark of packing: the same rows in each way, and what it says of them."""

import pytest

from numina.bench import packing
from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import write_rows
from tests.conftest import changed_params

ROWS = [
    Problem(str(i), f"What is ${i}+1$?" * (1 + i % 7), str(i + 1), "t", f"$\\boxed{{{i + 1}}}$.")
    for i in range(60)
]
PARAMS = changed_params({"sft_cot.max_length": 128, "sft_cot.batch_size": 2})


def test_every_way_trains_the_same_rows_and_packing_leaves_less_empty(model_folder, tmp_path):
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, ROWS)
    found = packing.bench(PARAMS, model_folder, rows, steps=1)
    real = {way: found[way]["real_tokens_percent"] for way in ("padding", "wrapped", "ours")}
    assert real["padding"] < real["ours"] <= 100
    assert real["padding"] < real["wrapped"] <= 100
    assert all(found[way]["tokens_per_s"] > 0 for way in real)
    assert found["work"] == {
        "rows": 60,
        "tokens": found["work"]["tokens"],
        "block": 128,
        "steps": packing.TURNS,
    }
    assert set(found["ratios"]) == {"tokens_per_s_over_padding", "tokens_per_s_over_wrapped"}


def test_a_missing_file_or_model_is_named(model_folder, tmp_path):
    with pytest.raises(UserError, match=r"none\.jsonl: not found"):
        packing.bench(PARAMS, model_folder, tmp_path / "none.jsonl", steps=1)
    with pytest.raises(UserError, match="nowhere: not found"):
        packing.bench(PARAMS, tmp_path / "nowhere", None, steps=1)
