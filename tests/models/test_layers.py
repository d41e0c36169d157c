"""A layer that does not fit is named before any work, without weights."""

import json
import shutil

import pytest

from numina.errors import UserError
from numina.models.quantize import quantize
from tests.models.conftest import ROWS, TEMPLATE, knobs

AWQ = {"quantize.method": "awq", "quantize.bits": 4}
CASES = {
    "the hidden size": (
        {"quantize.group_size": 128},
        {},
        "group_size: 128 does not divide the input of model.layers.0.self_attn.q_proj, 64",
    ),
    "down_proj": (
        {"quantize.group_size": 64},
        {"intermediate_size": 96},
        "64 does not divide the input of model.layers.0.mlp.down_proj, 96",
    ),
    "o_proj, whose input is heads x head size": (
        {"quantize.group_size": 32},
        {"head_dim": 24},
        "32 does not divide the input of model.layers.0.self_attn.o_proj, 48",
    ),
    "AWQ's outputs": (
        AWQ,
        {"num_key_value_heads": 1},
        "awq takes outputs in multiples of 64, and model.layers.0.self_attn.k_proj has 32",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_that_does_not_fit_is_named(model_folder, tmp_path, monkeypatch, name):
    changes, sizes, reason = CASES[name]
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **sizes}))
    monkeypatch.setattr("numina.models.quantize.read_plain", None)  # no work has begun
    with pytest.raises(UserError) as error:
        quantize(folder, ROWS, tmp_path / "q", knobs(changes), TEMPLATE)
    assert reason in str(error.value) and str(folder) in str(error.value)
    assert not (tmp_path / "q").exists()
