"""The formulas against real runs of a small model: bytes saved, bytes kept, tokens and steps."""

import csv
import json

import pytest

from numina.estimate.memory import Training as How
from numina.estimate.memory import (
    activation_bytes,
    checkpoint_bytes,
    kv_bytes,
    quantised_bytes,
    training_bytes,
    weight_bytes,
)
from numina.estimate.shapes import shape_of
from numina.estimate.work import run_of, training_flops
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.template import TEMPLATES
from tests.conftest import changed_params

ROWS = [
    Problem(str(i), f"What is ${i}+1$?" * (1 + i % 4), str(i + 1), "t", f"$\\boxed{{{i + 1}}}$.")
    for i in range(41)
]


def small_model(hidden: int = 64, intermediate: int = 160, layers: int = 3, vocab: int = 512):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocab,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        use_cache=False,
    )
    return LlamaForCausalLM(config), shape_of(config.to_dict(), "small")


def kept_for_backward(network, tokens: int) -> int:
    """Bytes that the layers' forward pass keeps for the backward pass, each storage once."""
    import torch

    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    kept: dict[int, tuple[int, torch.Tensor]] = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)  # held, so no address comes twice
        return tensor

    ids = torch.arange(tokens)[None] % 500
    positions = torch.arange(tokens)[None]
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network.model(input_ids=ids, position_ids=positions)
    return sum(size for size, _ in kept.values())


@pytest.mark.parametrize(("intermediate", "tokens"), [(160, 256), (64, 384), (320, 256)])
def test_activations_are_those_that_autograd_keeps(intermediate, tokens):
    network, shape = small_model(intermediate=intermediate)
    measured = kept_for_backward(network.train(), tokens)
    assert activation_bytes(shape, tokens, 4, False) == pytest.approx(measured, rel=0.15)


def test_checkpointing_keeps_a_layers_input():
    network, shape = small_model(layers=6)
    network.gradient_checkpointing_enable({"use_reentrant": False})
    measured = kept_for_backward(network.train(), 256)
    inside = activation_bytes(shape, 256, 4, False) // shape.layers
    assert activation_bytes(shape, 256, 4, True) - inside == pytest.approx(measured, rel=0.35)


def test_optimiser_and_checkpoint_bytes_are_those_on_disk(tmp_path):
    import torch
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments

    network, shape = small_model(hidden=128, vocab=2048)
    row = {"input_ids": list(range(32)), "labels": list(range(32))}
    trainer = Trainer(
        model=network,
        args=TrainingArguments(
            str(tmp_path), max_steps=1, save_steps=1, use_cpu=True, report_to="none"
        ),
        train_dataset=Dataset.from_list([row] * 8),
    )
    trainer.train()
    saved = tmp_path / "checkpoint-1"
    weights = (saved / "model.safetensors").stat().st_size
    whole = sum(file.stat().st_size for file in saved.iterdir())
    assert weight_bytes(shape, 4) == pytest.approx(weights, rel=0.02)
    assert checkpoint_bytes(shape, 1, half=False) == pytest.approx(whole, rel=0.05)
    moments = trainer.optimizer.state.values()
    measured = sum(
        value.nbytes for state in moments for value in state.values() if torch.is_tensor(value)
    )
    parts = training_bytes(shape, How(1, 32, half=False, checkpointing=False))
    assert parts["optimiser"] == pytest.approx(measured, rel=0.01)
    assert parts["weights"] == sum(weight.nbytes for weight in network.parameters())


def test_cache_bytes_are_those_of_a_real_cache():
    import torch

    network, shape = small_model()
    with torch.inference_mode():
        cache = network(input_ids=torch.arange(40)[None], use_cache=True).past_key_values
    measured = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert 40 * kv_bytes(shape, 4) == measured


def test_operations_are_those_that_torch_counts():
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    network, shape = small_model(hidden=128, intermediate=320)
    network.set_attn_implementation("eager")  # whose products of matrices torch sees
    ids = torch.arange(256)[None]
    with FlopCounterMode(display=False) as counter:
        network(input_ids=ids, labels=ids).loss.backward()
    # Eager attention computes the whole square, of which a causal kernel leaves half out.
    found = training_flops(shape, 256, 2 * 256, checkpointing=False)
    assert found == pytest.approx(counter.get_total_flops(), rel=0.01)


@pytest.mark.parametrize("packing", ["best_fit", "none"])
def test_tokens_and_steps_are_those_of_a_training(model_folder, tmp_path, packing, monkeypatch):
    from numina.train.sft import fine_tune

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    changes = {"epochs": 2, "batch_size": 3, "max_length": 256, "packing": packing}
    params = changed_params(
        {f"sft_cot.{knob}": value for knob, value in changes.items()}
        | {"hardware.checkpoint_steps": 0}
    )
    sft, template, loss = params.sft_cot, TEMPLATES["boundary"], tmp_path / "loss.csv"
    data, out = tmp_path / "train.jsonl", tmp_path / "out"
    write_rows(data, ROWS)
    counts = fine_tune(model_folder, data, out, sft, params.hardware, template, loss)
    with loss.open() as rows:
        last = list(csv.DictReader(rows))[-1]
    run = run_of(sft, len(ROWS), counts.tokens / len(ROWS))
    assert run.tokens == int(last["tokens"]) == 2 * counts.tokens
    assert run.steps == int(last["step"])


@pytest.mark.slow
@pytest.mark.parametrize("bits", [4, 8])
def test_a_quantised_checkpoint_is_as_large_as_reckoned(model_folder, tmp_path, bits):
    from safetensors import safe_open

    from numina.models.quantize import quantize

    params = changed_params({"quantize.bits": bits, "quantize.rows": 4}).quantize
    quantize(model_folder, ROWS, tmp_path / "out", params, TEMPLATES["boundary"])
    shape = shape_of(json.loads((model_folder / "config.json").read_text()), "model")
    (file,) = (tmp_path / "out").glob("*.safetensors")
    with safe_open(file, "pt") as tensors:
        measured = sum(tensors.get_tensor(name).nbytes for name in tensors.keys())  # noqa: SIM118
        left_out = sum(
            tensors.get_tensor(name).nbytes
            for name in tensors.keys()  # noqa: SIM118
            if name.endswith("g_idx")
        )
    found = quantised_bytes(shape, bits, params.group_size)
    assert found == pytest.approx(measured - left_out, rel=0.05)
