"""Quantisation by the real library, on a model that it can take in seconds."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.models.quantize import quantize
from tests.models.conftest import METHODS, ROWS, TEMPLATE, knobs

LENIENT = {"quantize.max_loss_increase": 100}


@pytest.fixture(scope="module")
def quantised(taught_folder, tmp_path_factory) -> dict[str, list[Path]]:
    """The taught model, quantised twice by each method."""
    folder = tmp_path_factory.mktemp("quantised")
    made: dict[str, list[Path]] = {name: [] for name in METHODS}
    for name, changes in METHODS.items():
        for turn in ("a", "b"):
            out = folder / f"{name} {turn}"
            quantize(taught_folder, ROWS, out, knobs(changes), TEMPLATE)
            made[name].append(out)
    return made


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@pytest.mark.parametrize("method", METHODS)
def test_the_same_input_gives_the_same_bytes_without_a_path(quantised, method):
    first, second = quantised[method]
    assert hashes(first) == hashes(second)
    for file in ("config.json", "quantize_config.json"):
        assert str(first.parent) not in (first / file).read_text()
        assert "/tmp" not in (first / file).read_text()
    assert {file.name for file in first.parent.iterdir()} == {
        f"{name} {turn}" for name in METHODS for turn in ("a", "b")
    }


@pytest.mark.parametrize("method", METHODS)
def test_the_record_says_what_was_done_and_what_it_cost(quantised, taught_folder, method):
    cost = json.loads((quantised[method][0] / "cost.json").read_text())
    assert f"{cost['bits']}-bit {cost['method']}" == method
    assert (cost["calibration_rows"], cost["loss_rows"], cost["left_out_rows"]) == (8, 4, 0)
    assert cost["loss_after"] == pytest.approx(cost["loss_before"], abs=0.1)
    assert 0 < cost["kl"] < 0.1
    assert 0.8 < cost["top1_agreement"] <= 1
    assert cost["bytes_before"] == (taught_folder / "model.safetensors").stat().st_size
    assert cost["bytes_after"] < cost["bytes_before"] / 2


@pytest.mark.parametrize("method", METHODS)
def test_all_that_is_stored_has_16_bits_or_is_packed(quantised, method):
    from safetensors.torch import load_file

    folder = quantised[method][0]
    kinds = {str(tensor.dtype) for tensor in load_file(folder / "model.safetensors").values()}
    assert kinds == {"torch.float16", "torch.int32"}
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float16"


def loaded_exactly(folder: Path) -> bool:
    """Whether a checkpoint is loaded in float32, each weight a whole number of stored scales.

    gptqmodel would take bfloat16 on a CPU, whose products of scale and integer have 8 bits.
    """
    import torch
    from safetensors.torch import load_file

    from numina.models.weights import load_model

    network, stored = load_model(folder, "auto"), load_file(folder / "model.safetensors")
    layer = "model.layers.1.mlp.down_proj"
    found, scales = network.get_submodule(layer), stored[f"{layer}.scales"].float()
    steps = found.weight.T / scales.repeat_interleave(32, 0)
    embedding = stored["model.embed_tokens.weight"].float()
    return (
        {parameter.dtype for parameter in network.parameters()} == {torch.float32}
        and type(found) is torch.nn.Linear
        and torch.equal(network.model.embed_tokens.weight, embedding)
        and (steps - steps.round()).abs().max().item() < 1e-3
    )


@pytest.mark.parametrize("method", METHODS)
def test_on_a_cpu_weights_are_the_stored_values_in_float32(quantised, method):
    assert loaded_exactly(quantised[method][0])


def test_act_order_is_available_and_its_consequence_said(taught_folder, tmp_path, capsys):
    from numina.models.weights import load_model

    params = knobs({"quantize.desc_act": True})
    found = quantize(taught_folder, ROWS, tmp_path / "q", params, TEMPLATE)
    said = [line for line in capsys.readouterr().err.splitlines() if "desc_act" in line]
    assert len(said) == 1 and "vLLM does not load this checkpoint" in said[0]
    config = json.loads((tmp_path / "q" / "config.json").read_text())["quantization_config"]
    assert config["desc_act"] is True and config["meta"]["act_group_aware"] is False
    assert found.loss_after == pytest.approx(found.loss_before, abs=0.05)
    load_model(tmp_path / "q", "auto")


@pytest.mark.parametrize("aware", [True, False])
def test_group_aware_order_is_a_knob_and_is_stated(taught_folder, tmp_path, aware):
    params = knobs({"quantize.act_group_aware": aware, "quantize.rows": 2})
    quantize(taught_folder, ROWS, tmp_path / "q", params, TEMPLATE)
    config = json.loads((tmp_path / "q" / "config.json").read_text())["quantization_config"]
    assert config["meta"]["act_group_aware"] is aware


def test_bfloat16_stays_bfloat16(taught_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(taught_folder, tmp_path / "model"))
    tensors = {k: v.bfloat16() for k, v in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    for name, changes in METHODS.items():
        out = tmp_path / name
        found = quantize(folder, ROWS, out, knobs(changes), TEMPLATE)
        stored = load_file(out / "model.safetensors")["model.embed_tokens.weight"]
        assert stored.equal(tensors["model.embed_tokens.weight"])
        assert json.loads((out / "config.json").read_text())["dtype"] == "bfloat16"
        assert found.loss_after == pytest.approx(found.loss_before, abs=0.1)
        assert loaded_exactly(out)


def spoil(monkeypatch, change) -> None:
    """Let the quantiser write the plain model, its tensors changed."""
    from safetensors.torch import load_file, save_file

    from numina.models import quantize as module

    def written(model, rows, out, params):
        shutil.copytree(model, out)
        tensors = load_file(out / "model.safetensors")
        change(tensors)
        save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setitem(module.METHODS, "gptq", written)


def without_layers(tensors) -> None:
    for name, tensor in tensors.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            tensor[:] = 0


def test_a_loss_that_rises_too_much_fails_and_leaves_nothing(taught_folder, tmp_path, monkeypatch):
    spoil(monkeypatch, without_layers)
    out = tmp_path / "q"
    with pytest.raises(UserError) as error:
        quantize(taught_folder, ROWS, out, knobs(), TEMPLATE)
    message = str(error.value)
    assert "GPTQ to 8 bits raises the loss on 4 rows from " in message
    assert "more than quantize.max_loss_increase 0.1" in message
    assert "\n" not in message
    assert not list(tmp_path.iterdir())
    out.mkdir()
    (out / "kept").touch()  # an older checkpoint, until there is a whole new one
    with pytest.raises(UserError, match="max_loss_increase"):
        quantize(taught_folder, ROWS, out, knobs(), TEMPLATE)
    assert [file.name for file in out.iterdir()] == ["kept"]


def test_a_model_that_repeats_one_token_fails(taught_folder, tmp_path, tokenizer, monkeypatch):
    one = tokenizer("!")["input_ids"][0]

    def shouting(tensors) -> None:
        without_layers(tensors)
        tensors["model.norm.weight"][:] = 1
        embedding = tensors["model.embed_tokens.weight"]  # the output layer too
        embedding[:] = 0.01
        embedding[one] = 0.02

    spoil(monkeypatch, shouting)
    with pytest.raises(UserError) as error:
        quantize(taught_folder, ROWS, tmp_path / "q", knobs(LENIENT), TEMPLATE)
    assert "degenerates: 4 of 4 held-out prompts" in str(error.value)
    assert "'!!!!!!" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_model_whose_loss_is_not_a_number_is_not_quantised(taught_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    broken = Path(shutil.copytree(taught_folder, tmp_path / "broken"))
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"{broken}: its loss on 4 rows is nan"):
        quantize(broken, ROWS, tmp_path / "q", knobs(), TEMPLATE)
    assert [file.name for file in tmp_path.iterdir()] == ["broken"]


def test_weights_cut_short_are_one_line(model_folder, tmp_path):
    broken = Path(shutil.copytree(model_folder, tmp_path / "broken"))
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match=str(broken)) as error:
        quantize(broken, ROWS, tmp_path / "q", knobs(), TEMPLATE)
    assert "\n" not in str(error.value)


def test_a_quantised_model_is_not_quantised_again(quantised, tmp_path):
    with pytest.raises(UserError, match="is quantised already"):
        quantize(quantised["8-bit GPTQ"][0], ROWS, tmp_path / "q", knobs(), TEMPLATE)
