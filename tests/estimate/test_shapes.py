"""Sizes from a config.json against the models that transformers builds of it."""

import json

import pytest

from numina.errors import UserError
from numina.estimate.shapes import KNOWN, config_of, shape_of
from tests.conftest import PARAMS

SMALL = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
BIASED = SMALL | {"model_type": "llama", "attention_bias": True, "head_dim": 24}
CASES = KNOWN | {
    "biased": BIASED,
    "qwen2": SMALL | {"model_type": "qwen2", "tie_word_embeddings": True},
    "mistral": SMALL | {"model_type": "mistral"},
    "mixtral": SMALL | {"model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2},
}


@pytest.mark.parametrize("name", CASES)
def test_parameters_are_those_of_the_real_model(name):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = dict(CASES[name])
    built = AutoConfig.for_model(config.pop("model_type"), **config)
    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(built)
    shape = shape_of(CASES[name], name)
    assert shape.parameters == sum(weight.numel() for weight in network.parameters())
    # Matrices of the layers, which a token meets once: experts that it does not pass are left out.
    layers = {
        key: weight.numel()
        for key, weight in network.named_parameters()
        if ".layers." in key and weight.dim() > 1
    }
    experts = sum(size for key, size in layers.items() if ".experts." in key)
    met = sum(layers.values()) - experts * (shape.experts - shape.active) // shape.experts
    assert shape.multiplied == met + shape.vocab * shape.hidden


def test_what_is_published_of_the_models():
    billions = {name: shape_of(config, name).parameters / 1e9 for name, config in KNOWN.items()}
    assert billions["deepseek-math-7b-base"] == pytest.approx(6.91, abs=0.005)
    assert billions["codellama-34b-hf"] == pytest.approx(33.74, abs=0.01)
    assert billions["mixtral-8x7b-v0.1"] == pytest.approx(46.70, abs=0.01)
    assert billions["internlm-20b-llama"] == pytest.approx(20.1, abs=0.05)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "mamba"}, "model_type 'mamba'"),
        ({}, "model_type None"),
        ({"model_type": "llama", "num_attention_heads": 4}, "no hidden_size"),
    ],
)
def test_a_model_of_unknown_sizes_is_refused(config, reason):
    with pytest.raises(UserError, match=f"somewhere: {reason}"):
        shape_of(config, "somewhere")


def test_the_folder_is_asked_before_the_table(tmp_path):
    folder = tmp_path / "numinamath-7b-tir"
    params = PARAMS.base_model.model_copy(update={"source": "path", "name": f"{folder}/"})
    config, where = config_of(params)
    assert (config["hidden_size"], where) == (4096, "what is known of numinamath-7b-tir")
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(BIASED))
    assert config_of(params) == (BIASED, str(folder / "config.json"))


def test_a_base_model_that_nobody_knows_is_refused():
    params = PARAMS.base_model.model_copy(update={"source": "path", "name": "weights"})
    with pytest.raises(UserError, match=r"base_model\.name: the sizes of 'weights'"):
        config_of(params)
