"""What is done to a checkpoint after gptqmodel has saved it."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from numina.models.checkpoint import narrow


def write_shards(folder, values: dict[str, torch.Tensor]) -> None:
    """One tensor a file, with the index that names them."""
    names = {name: f"model-{i:05}-of-{len(values):05}.safetensors" for i, name in enumerate(values)}
    for name, file in names.items():
        save_file({name: values[name]}, folder / file, metadata={"format": "pt"})
    size = sum(tensor.nbytes for tensor in values.values())
    index = {"metadata": {"total_size": size}, "weight_map": names}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps({"dtype": "float32", "model_type": "llama"}))


@pytest.mark.parametrize(
    ("largest", "bfloat16", "expected"),
    [
        (1.0, False, torch.float16),
        (65504.0, False, torch.float16),
        (70000.0, False, torch.bfloat16),  # inf in float16
        (-1e30, False, torch.bfloat16),
        (1.0, True, torch.bfloat16),
    ],
)
def test_plain_tensors_become_16_bits_that_hold_their_values(tmp_path, largest, bfloat16, expected):
    values = {
        "embedding": torch.tensor([0.5, largest]),
        "norm": torch.ones(3),
        "layer.qweight": torch.arange(4, dtype=torch.int32),
        "layer.scales": torch.ones(2, dtype=torch.float16),
    }
    write_shards(tmp_path, values)
    narrow(tmp_path, bfloat16)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    found = {}
    for file in index["weight_map"].values():
        found |= load_file(tmp_path / file)
        with safe_open(tmp_path / file, "pt") as stored:
            assert stored.metadata() == {"format": "pt"}
    assert found["embedding"].dtype == found["norm"].dtype == expected
    assert found["embedding"].isfinite().all()
    assert found["layer.qweight"].equal(values["layer.qweight"])
    assert found["layer.scales"].dtype == torch.float16
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in found.values())
    config = json.loads((tmp_path / "config.json").read_text())
    assert config == {"dtype": str(expected).removeprefix("torch."), "model_type": "llama"}
