"""GPTQ (Frantar et al. 2022, arXiv 2210.17323) by gptqmodel, and what it costs in loss.

The winners quantised with `desc_act: true`; today's vLLM refuses such checkpoints, so the default
here is false.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.rows import write_json
from numina.settings.models import Quantize
from numina.template import IGNORED, Template, encode

LOSS_ROWS = 8  # held-out rows on which the loss is measured before and after


def quantize(
    model: Path, rows: Sequence[Problem], out: Path, params: Quantize, template: Template
) -> None:
    """Quantise `model` to `out`, calibrated on solved problems; `out/cost.json` has the cost.

    The calibration text is the training text, token for token. The loss before and after is taken
    on rows that calibration did not use, where there are any.

    Raises:
        UserError: there are no rows.
    """
    if not rows:
        raise UserError("quantize: no calibration rows")
    # gptqmodel reads it at import; without it, it fails on two cores.
    os.environ.setdefault("GPTQMODEL_CPU_WORKERS", str(max(2, os.cpu_count() or 2)))
    import torch
    from gptqmodel import GPTQModel, QuantizeConfig
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    shuffled = random.Random(params.seed).sample(list(rows), len(rows))
    encoded = [encode(tokenizer, template, row.problem, row.solution) for row in shuffled]
    calibration, held_out = encoded[: params.rows], encoded[params.rows :]
    config = QuantizeConfig(
        bits=params.bits, group_size=params.group_size, desc_act=params.desc_act
    )
    quantizer: Any = GPTQModel.load(str(model), config, dtype=torch.float32)
    with progress_bar(quantizer.model.config.num_hidden_layers, "layers") as bar:

        def layer_complete(layer_idx: int, **_: Any) -> None:
            bar.update(max(0, layer_idx + 1 - bar.n))  # it is called more than once for a layer

        quantizer.layer_callback = layer_complete
        quantizer.quantize(
            [
                {"input_ids": row["input_ids"], "attention_mask": [1] * len(row["input_ids"])}
                for row in calibration
            ],
            batch_size=1,
        )
    quantizer.save(str(out))
    for leftover in out.glob("quant_log*"):  # holds timings, so its hash never settles
        leftover.unlink()
    tokenizer.save_pretrained(out)
    sample = (held_out or calibration)[:LOSS_ROWS]
    write_json(
        out / "cost.json",
        {
            "method": "GPTQ",
            "bits": params.bits,
            "group_size": params.group_size,
            "calibration_rows": len(calibration),
            "loss_rows": len(sample),
            "loss_before": round(mean_loss(model, sample), 5),
            "loss_after": round(mean_loss(out, sample), 5),
            "bytes_before": weight_bytes(model),
            "bytes_after": weight_bytes(out),
        },
    )


def mean_loss(model: Path, rows: Sequence[dict[Any, list[int]]]) -> float:
    """Mean loss of a model in nats a trained token, over encoded rows."""
    import torch

    from numina.models.weights import load_model

    network = load_model(model, "auto")
    total, tokens = 0.0, 0
    with torch.inference_mode():
        for row in rows:
            loss = network(
                input_ids=torch.tensor([row["input_ids"]], device=network.device),
                labels=torch.tensor([row["labels"]], device=network.device),
            ).loss
            trained = sum(label != IGNORED for label in row["labels"][1:])
            total, tokens = total + loss.item() * trained, tokens + trained
    return total / tokens


def weight_bytes(model: Path) -> int:
    """Size of a model's weight files in bytes."""
    return sum(file.stat().st_size for file in model.glob("*.safetensors"))
