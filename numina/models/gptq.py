"""GPTQ (Frantar et al. 2022, arXiv 2210.17323) by gptqmodel, and its cost in loss.

The winners quantised with `desc_act: true`; current vLLM refuses such checkpoints, so params.yaml
has false.
"""

from __future__ import annotations

import math
import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.machine import CORES
from numina.models.folder import check_model_folder
from numina.models.loading import readable
from numina.models.weights import load_model
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.rows import read_object, write_json
from numina.settings.models import Quantize
from numina.template import IGNORED, Template, encode

LOSS_ROWS = 8  # held-out rows on which the loss is measured before and after


def quantize(
    model: Path, rows: Sequence[Problem], out: Path, params: Quantize, template: Template
) -> None:
    """Quantise `model` to `out`, calibrated on solved problems; write the cost to `out/cost.json`.

    The calibration text is the training text, token for token. The loss before and after is taken
    on rows that calibration did not use, if there are any. One model is in memory at a time.

    Raises:
        UserError: there are no rows, the model cannot be loaded, or its loss is not finite before
            or after; then nothing is left in `out`.
    """
    if not rows:
        raise UserError("quantize: no calibration rows")
    check_model_folder(model)
    from transformers import AutoTokenizer

    with readable(str(model)):
        tokenizer = AutoTokenizer.from_pretrained(model)
    shuffled = random.Random(params.seed).sample(list(rows), len(rows))
    encoded = [encode(tokenizer, template, row.problem, row.solution) for row in shuffled]
    calibration, held_out = encoded[: params.rows], encoded[params.rows :]
    sample = (held_out or calibration)[:LOSS_ROWS]
    before = mean_loss(model, sample)
    try:
        write_quantised(model, calibration, out, params)
        tokenizer.save_pretrained(out)
        after = mean_loss(out, sample)
    except UserError:
        shutil.rmtree(out, ignore_errors=True)
        raise
    write_json(
        out / "cost.json",
        {
            "method": "GPTQ",
            "bits": params.bits,
            "group_size": params.group_size,
            "calibration_rows": len(calibration),
            "loss_rows": len(sample),
            "loss_before": round(before, 5),
            "loss_after": round(after, 5),
            "bytes_before": weight_bytes(model),
            "bytes_after": weight_bytes(out),
        },
    )


def write_quantised(
    model: Path, calibration: Sequence[dict[str, list[int]]], out: Path, params: Quantize
) -> None:
    """Quantise and save a model; the same input gives the same bytes.

    Raises:
        UserError: the model cannot be loaded.
    """
    # gptqmodel reads this at import, and without it fails on two cores.
    os.environ.setdefault("GPTQMODEL_CPU_WORKERS", str(max(2, CORES)))
    import torch
    from gptqmodel import GPTQModel, QuantizeConfig

    config = QuantizeConfig(
        bits=params.bits, group_size=params.group_size, desc_act=params.desc_act
    )
    with readable(str(model)):
        quantizer: Any = GPTQModel.load(str(model), config, dtype=torch.float32)
    with progress_bar(quantizer.model.config.num_hidden_layers, "layers") as bar:

        def layer_complete(layer_idx: int, **_: Any) -> None:
            bar.update(max(0, layer_idx + 1 - bar.n))  # called more than once per layer

        quantizer.layer_callback = layer_complete
        quantizer.quantize(
            [
                {"input_ids": row["input_ids"], "attention_mask": [1] * len(row["input_ids"])}
                for row in calibration
            ],
            batch_size=1,
        )
    quantizer.save(str(out))
    for leftover in out.glob("quant_log*"):  # has timings, so its hash changes in each run
        leftover.unlink()
    for name in ("config.json", "quantize_config.json"):
        drop_scratch_path(out / name)


def drop_scratch_path(file: Path) -> None:
    """Remove the random temporary folder that gptqmodel used from a configuration.

    Nothing reads it, and it changes the hash in each run.
    """
    config = read_object(file)
    meta = config.get("quantization_config", config).get("meta", {})
    meta.pop("offload_to_disk_path", None)
    write_json(file, config)


def mean_loss(model: Path, rows: Sequence[dict[str, list[int]]]) -> float:
    """Mean loss of a model in nats per trained token, over encoded rows.

    Raises:
        UserError: all tokens are masked, or the loss is not finite.
    """
    import torch

    with readable(str(model)):
        network = load_model(model, "auto")
    total, tokens = 0.0, 0
    with torch.inference_mode():
        for row in rows:
            trained = sum(label != IGNORED for label in row["labels"][1:])
            if not trained:
                continue
            loss = network(
                input_ids=torch.tensor([row["input_ids"]], device=network.device),
                labels=torch.tensor([row["labels"]], device=network.device),
            ).loss
            total, tokens = total + loss.item() * trained, tokens + trained
    if not tokens:
        raise UserError(f"{model}: its loss cannot be measured because all tokens are masked")
    if not math.isfinite(total):
        raise UserError(f"{model}: its loss on {len(rows)} rows is {total / tokens}")
    return total / tokens


def weight_bytes(model: Path) -> int:
    """Size of a model's weight files in bytes."""
    return sum(file.stat().st_size for file in model.glob("*.safetensors"))
