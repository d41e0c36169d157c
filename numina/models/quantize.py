"""Quantise a model, measure what that changed, and refuse it if it changed too much."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.models.awq import write_awq
from numina.models.calibration import Rows, choose_rows
from numina.models.comparison import Comparison, compare, read_plain
from numina.models.folder import check_model_folder
from numina.models.gptq import write_gptq
from numina.models.layers import check_layers
from numina.models.weights import load_tokenizer
from numina.records.problem import Problem
from numina.rows import write_json
from numina.settings.models import Quantize
from numina.template import Template
from numina.terminal import say

METHODS = {"gptq": write_gptq, "awq": write_awq}  # quantize.method


def quantize(
    model: Path, problems: Sequence[Problem], out: Path, params: Quantize, template: Template
) -> Comparison:
    """Quantise `model` to `out`, calibrated on solved problems; write the cost to `out/cost.json`.

    One model is in memory at a time. `out` is written whole or not at all.

    Raises:
        UserError: a layer does not fit the knobs, there are too few rows, the model cannot be
            loaded, its loss is not finite, or quantisation changed it more than is allowed.
    """
    check_model_folder(model)
    config = check_layers(model, params)
    tokenizer = load_tokenizer(model)
    positions = getattr(config, "max_position_embeddings", None)
    rows = choose_rows(problems, tokenizer, template, params, positions)
    if rows.left_out:
        say(f"{rows.left_out} of {len(problems)} rows are too short or too long to calibrate on")
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(out.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(dir=out.parent) as kept:
            plain = read_plain(model, rows, Path(kept))
            METHODS[params.method](model, rows.calibration, temporary, params)
            tokenizer.save_pretrained(temporary)
            found = compare(temporary, rows, plain)
        check_cost(found, params, tokenizer)
        write_json(temporary / "cost.json", cost(found, params, rows, model, temporary))
        shutil.rmtree(out, ignore_errors=True)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return found


def check_cost(found: Comparison, params: Quantize, tokenizer: Any) -> None:
    """Refuse a quantised model that lost too much, or repeats itself.

    Raises:
        UserError: with the numbers.
    """
    what = f"quantize: {params.method.upper()} to {params.bits} bits"
    increase = found.loss_after - found.loss_before
    if increase > params.max_loss_increase:
        raise UserError(
            f"{what} raises the loss on {found.rows} rows from {found.loss_before:.4f} to "
            f"{found.loss_after:.4f} nats a token: {increase:+.4f}, more than "
            f"quantize.max_loss_increase {params.max_loss_increase}. Smaller groups, more rows or "
            "8 bits cost less"
        )
    if found.degenerate:
        text = tokenizer.decode(found.degenerate[0])
        raise UserError(
            f"{what} degenerates: {len(found.degenerate)} of {found.prompts} held-out prompts are "
            f"continued by repeating a few tokens, {text[:40]!r}, which the plain model does not"
        )


def cost(
    found: Comparison, params: Quantize, rows: Rows, model: Path, out: Path
) -> dict[str, str | int | float]:
    """The quantiser's own record, which pages and cards show."""
    return {
        "method": params.method.upper(),
        "bits": params.bits,
        "group_size": params.group_size,
        "calibration_rows": len(rows.calibration),
        "left_out_rows": rows.left_out,
        "loss_rows": found.rows,
        "loss_tokens": found.tokens,
        "loss_before": round(found.loss_before, 5),
        "loss_after": round(found.loss_after, 5),
        "perplexity_before": round(math.exp(found.loss_before), 5),
        "perplexity_after": round(math.exp(found.loss_after), 5),
        "top1_agreement": round(found.top1_agreement, 5),
        "kl": float(f"{found.kl:.4g}"),
        "bytes_before": weight_bytes(model),
        "bytes_after": weight_bytes(out),
    }


def weight_bytes(model: Path) -> int:
    """Size of a model's weight files in bytes."""
    return sum(file.stat().st_size for file in model.glob("*.safetensors"))
