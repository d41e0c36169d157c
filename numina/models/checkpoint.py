"""Run gptqmodel, and make what it saves a checkpoint that is small, equal each time, and served.

gptqmodel is the successor of AutoGPTQ, and saves GPTQ in AutoGPTQ's format.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numina.machine import CORES
from numina.models.calibration import Encoded
from numina.models.folder import json_object
from numina.models.loading import readable
from numina.progress import progress_bar
from numina.rows import write_json
from numina.terminal import say

LARGEST_FLOAT16 = 65504.0


def prepare() -> None:
    """Set what gptqmodel reads when it is imported: without it, it fails on two cores."""
    os.environ.setdefault("GPTQMODEL_CPU_WORKERS", str(max(2, CORES)))


def write_checkpoint(
    model: Path, rows: Sequence[Encoded], out: Path, config: Any, dtype: Any, **options: Any
) -> None:
    """Quantise and save a model; the same input gives the same bytes.

    Args:
        model: the folder of a plain model.
        rows: what to calibrate on.
        out: a new folder.
        config: a `gptqmodel.QuantizeConfig`.
        dtype: what the model computes in meanwhile.
        options: for `quantize` of gptqmodel.

    Raises:
        UserError: the model cannot be loaded.
    """
    from gptqmodel import GPTQModel

    with readable(str(model)):
        quantizer: Any = GPTQModel.load(str(model), config, dtype=dtype)
    with progress_bar(quantizer.model.config.num_hidden_layers, "layers") as bar:

        def layer_complete(layer_idx: int, **_: Any) -> None:
            bar.update(max(0, layer_idx + 1 - bar.n))  # called more than once per layer

        quantizer.layer_callback = layer_complete
        quantizer.quantize(
            [
                {"input_ids": row["input_ids"], "attention_mask": [1] * len(row["input_ids"])}
                for row in rows
            ],
            batch_size=1,
            **options,
        )
    quantizer.save(str(out))
    del quantizer
    gc.collect()
    tidy(out)
    narrow(out, bfloat16=is_bfloat16(model))


def is_bfloat16(model: Path) -> bool:
    """Whether a model's config.json says that its weights are bfloat16."""
    config = json_object(model / "config.json")
    return (config.get("dtype") or config.get("torch_dtype")) == "bfloat16"


def tidy(out: Path) -> None:
    """Remove what differs in each run, and nothing reads: timings, and a temporary folder."""
    for leftover in out.glob("quant_log*"):
        leftover.unlink()
    for name in ("config.json", "quantize_config.json"):
        config = json_object(out / name)
        meta = config.get("quantization_config", config).get("meta", {})
        meta.pop("offload_to_disk_path", None)
        write_json(out / name, config)


def narrow(out: Path, bfloat16: bool) -> None:
    """Store in 16 bits what was not quantised: embeddings, norms, the output layer.

    Args:
        out: a checkpoint, whose config.json then names the type.
        bfloat16: whether the weights were bfloat16, which holds them exactly. Others take float16,
            which has three more bits; if a value is too large for it, all take bfloat16.
    """
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    files = sorted(out.glob("*.safetensors"))
    if not bfloat16 and (largest := largest_plain(files)) > LARGEST_FLOAT16:
        say(f"{out}: a weight of {largest:g} does not fit float16, so plain layers are bfloat16")
        bfloat16 = True
    dtype = torch.bfloat16 if bfloat16 else torch.float16
    size = 0
    for file in files:
        with safe_open(file, "pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in sorted(stored.keys())}
            metadata = stored.metadata()
        for name, tensor in tensors.items():
            if tensor.dtype == torch.float32:
                tensors[name] = tensor.to(dtype)
        size += sum(tensor.nbytes for tensor in tensors.values())
        save_file(tensors, file, metadata)
    index = out / "model.safetensors.index.json"
    if index.exists():
        found = json_object(index)
        write_json(index, {**found, "metadata": {**found["metadata"], "total_size": size}})
    config = json_object(out / "config.json")
    write_json(out / "config.json", {**config, "dtype": str(dtype).removeprefix("torch.")})


def largest_plain(files: Sequence[Path]) -> float:
    """The largest absolute value of the float32 tensors in safetensors files."""
    import torch
    from safetensors import safe_open

    largest = 0.0
    for file in files:
        with safe_open(file, "pt") as stored:
            for name in stored.keys():  # noqa: SIM118 (not a mapping)
                tensor = stored.get_tensor(name)
                if tensor.dtype == torch.float32:
                    largest = max(largest, tensor.abs().max().item())
    return largest
