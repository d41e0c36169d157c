"""GPTQ by the real library, on a model that it can take in seconds."""

import json

import pytest

from numina.errors import UserError
from numina.models.gptq import quantize
from numina.records.problem import Problem
from numina.template import TEMPLATES
from tests.conftest import changed_params

PARAMS = changed_params({"quantize.group_size": 32, "quantize.rows": 8}).quantize
ROWS = [
    Problem(str(i), f"What is ${i}+1$?", str(i + 1), "t", f"It is $\\boxed{{{i + 1}}}$.")
    for i in range(12)
]


def test_eight_bits_keep_the_loss_and_decode_as_plain_matrices(model_folder, tmp_path):
    import torch

    from numina.models.weights import load_model

    quantize(model_folder, ROWS, tmp_path / "q", PARAMS, TEMPLATES["boundary"])
    cost = json.loads((tmp_path / "q" / "cost.json").read_text())
    assert cost["loss_after"] == pytest.approx(cost["loss_before"], rel=0.02)
    assert (cost["calibration_rows"], cost["loss_rows"]) == (8, 4)
    plain, eight = load_model(model_folder, "float32"), load_model(tmp_path / "q", "float32")
    assert type(eight.model.layers[0].mlp.up_proj) is torch.nn.Linear
    a, b = (network.model.layers[0].mlp.up_proj.weight for network in (plain, eight))
    assert not torch.equal(a, b)
    assert (a - b).abs().max() < a.abs().max() / 100


def test_no_rows_is_an_error(model_folder, tmp_path):
    with pytest.raises(UserError, match="no calibration rows"):
        quantize(model_folder, [], tmp_path / "q", PARAMS, TEMPLATES["boundary"])
