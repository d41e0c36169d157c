"""GPTQ by the real library, on a model that it can take in seconds."""

import json

import pytest

from numina.errors import UserError
from numina.models.gptq import quantize
from numina.records.problem import Problem
from numina.settings.models import Quantize
from numina.template import TEMPLATES

ROWS = [
    Problem(str(i), f"What is ${i}+1$?", str(i + 1), "t", f"It is $\\boxed{{{i + 1}}}$.")
    for i in range(12)
]


def test_eight_bits_keep_the_loss_and_decode_as_plain_matrices(model_folder, tmp_path):
    import torch

    from numina.models.weights import load_model

    params = Quantize(bits=8, group_size=32, desc_act=False, rows=8, seed=1)
    quantize(model_folder, ROWS, tmp_path / "q", params, TEMPLATES["boundary"])
    cost = json.loads((tmp_path / "q" / "cost.json").read_text())
    assert cost["loss_after"] == pytest.approx(cost["loss_before"], rel=0.02)
    assert (cost["calibration_rows"], cost["loss_rows"]) == (8, 4)
    plain, eight = load_model(model_folder, "float32"), load_model(tmp_path / "q", "float32")
    assert type(eight.model.layers[0].mlp.up_proj) is torch.nn.Linear
    a, b = (network.model.layers[0].mlp.up_proj.weight for network in (plain, eight))
    assert not torch.equal(a, b)
    assert (a - b).abs().max() < a.abs().max() / 100


def test_no_rows_is_an_error(model_folder, tmp_path):
    params = Quantize(bits=8, group_size=32, desc_act=False, rows=8, seed=1)
    with pytest.raises(UserError, match="no calibration rows"):
        quantize(model_folder, [], tmp_path / "q", params, TEMPLATES["boundary"])
