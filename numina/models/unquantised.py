"""A model that is not quantised here: its copy, with the record that a quantiser would leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numina.models.folder import json_object
from numina.models.passed import pass_on
from numina.rows import write_json

SIXTEEN = 16  # bits, of a model whose config.json does not name a type
BITS = {"float32": 32, "float64": 64}


def pass_unquantised(model: Path, out: Path) -> None:
    """Copy a model, with the record of a quantiser that changed nothing.

    Raises:
        UserError: the folder has no complete model.
    """
    pass_on(model, out)
    write_json(out / "cost.json", unquantised(out))


def unquantised(model: Path) -> dict[str, Any]:
    """The record of a model that was not quantised here; nothing in it was measured."""
    config = json_object(model / "config.json")
    own = config.get("quantization_config") or {}
    bits = own.get("bits") or BITS.get(str(config.get("dtype") or config.get("torch_dtype")))
    size = sum(file.stat().st_size for file in weight_files(model))
    return {
        "method": "none",
        "bits": int(bits or SIXTEEN),
        "group_size": 0,
        "calibration_rows": 0,
        "left_out_rows": 0,
        "loss_rows": 0,
        "loss_tokens": 0,
        **dict.fromkeys(("loss_before", "loss_after", "perplexity_before", "perplexity_after")),
        **dict.fromkeys(("top1_agreement", "kl")),
        "bytes_before": size,
        "bytes_after": size,
    }


def weight_files(model: Path) -> list[Path]:
    """A model's weights, in either format."""
    return sorted([*model.glob("*.safetensors"), *model.glob("*.bin")])
