"""GPTQ by the real library, on a model that it can take in seconds."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.models.gptq import mean_loss, quantize
from numina.records.problem import Problem
from numina.template import IGNORED, TEMPLATES
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


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def test_the_same_input_gives_the_same_bytes_without_a_path(model_folder, tmp_path):
    for name in ("a", "b"):
        quantize(model_folder, ROWS, tmp_path / name, PARAMS, TEMPLATES["boundary"])
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    for file in ("config.json", "quantize_config.json"):
        assert "/tmp" not in (tmp_path / "a" / file).read_text()


def test_a_model_whose_loss_is_not_a_number_is_not_quantised(model_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(model_folder, broken)
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"{broken}: its loss on 4 rows is nan"):
        quantize(broken, ROWS, tmp_path / "q", PARAMS, TEMPLATES["boundary"])
    assert not (tmp_path / "q").exists()


def test_the_loss_of_masked_rows_cannot_be_measured(model_folder):
    masked = {"input_ids": [3, 4, 5], "labels": [IGNORED] * 3}
    learnt = {"input_ids": [3, 4, 5], "labels": [IGNORED, 4, 5]}
    assert mean_loss(model_folder, [masked, learnt]) == mean_loss(model_folder, [learnt])
    with pytest.raises(UserError, match="all of the rows is masked"):
        mean_loss(model_folder, [masked])


def test_weights_cut_short_are_one_line(model_folder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(model_folder, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match=str(broken)) as error:
        quantize(broken, ROWS, tmp_path / "q", PARAMS, TEMPLATES["boundary"])
    assert "\n" not in str(error.value)


def test_no_rows_is_an_error(model_folder, tmp_path):
    with pytest.raises(UserError, match="no calibration rows"):
        quantize(model_folder, [], tmp_path / "q", PARAMS, TEMPLATES["boundary"])
