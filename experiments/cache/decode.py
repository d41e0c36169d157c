"""Decode prompts one way and measure it; started by experiments.cache.measure.

    python -m experiments.cache.decode WAY DEVICE MODEL JOB OUT

WAY is `dynamic`, `static` or `compiled`. JOB holds the prompts and the section `cache`. OUT is
written again after each part, so that a process that is ended leaves what it had measured.
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path
from typing import Any

from experiments.cache.settings import CacheParams
from numina import entry
from numina.errors import UserError
from numina.models.weights import load_plain, load_tokenizer, loading
from numina.rows import read_object, write_json
from numina.template import end_token, tokens_of


def main() -> None:
    way, device = sys.argv[1:3]
    model, job, out = map(Path, sys.argv[3:])
    asked = read_object(job, "prompts", "params")
    params = CacheParams.model_validate(asked["params"])
    started = time.monotonic()
    tokenizer = load_tokenizer(model)
    with loading(model):
        network = load_plain(model, params.dtype, device, whole=True).eval()
    batch = padded(tokenizer, asked["prompts"], device)
    found: dict[str, Any] = {"load_s": round(time.monotonic() - started, 2), "runs_s": []}
    write_json(out, found)
    for _ in range(1 + params.repeats):
        seconds, tokens = decode(network, batch, options(way, params, end_token(tokenizer)))
        if tokens != found.setdefault("tokens", tokens):
            raise UserError(f"{model}: {way} on {device} gives other tokens when it is repeated")
        found["runs_s"].append(round(seconds, 3))
        write_json(out, found)
    if way == "compiled":
        found |= compiled()
        write_json(out, found)


def padded(tokenizer: Any, prompts: list[str], device: str) -> dict[str, Any]:
    """Prompts as one batch, padded on the left: `input_ids` and `attention_mask`."""
    import torch

    rows = [tokens_of(tokenizer, prompt)[0] for prompt in prompts]
    width, end = max(map(len, rows)), end_token(tokenizer)
    left = [width - len(row) for row in rows]
    ids = [[end] * pad + row for pad, row in zip(left, rows, strict=True)]
    mask = [[0] * pad + [1] * (width - pad) for pad in left]
    return {
        "input_ids": torch.tensor(ids, device=device),
        "attention_mask": torch.tensor(mask, device=device),
    }


def options(way: str, params: CacheParams, end: int) -> dict[str, Any]:
    """The arguments of `generate` for a way of decoding, greedily."""
    common = {
        "do_sample": False,
        "max_new_tokens": params.new_tokens,
        "eos_token_id": end,
        "pad_token_id": end,
    }
    if way == "dynamic":
        return common
    if way == "static":
        return {**common, "cache_implementation": "static", "disable_compile": True}
    from transformers import CompileConfig

    mode = params.mode if params.backend == "inductor" else "default"
    config = CompileConfig(backend=params.backend, mode=mode)
    # transformers compiles on cards alone unless it is asked to do so everywhere.
    config._compile_all_devices = True  # type: ignore[assignment]
    return {**common, "cache_implementation": "static", "compile_config": config}


def decode(
    network: Any, batch: dict[str, Any], asked: dict[str, Any]
) -> tuple[float, list[list[int]]]:
    """Decode a batch once: seconds, and the new tokens of each row, up to the end token.

    Raises:
        UserError: it failed, in a line; torch's compiler has errors of many kinds.
    """
    import torch

    end = asked["eos_token_id"]
    started = time.monotonic()
    try:
        with torch.inference_mode():
            written = network.generate(**batch, **asked)
    except Exception as error:
        traceback.print_exc()
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{type(error).__name__}: {reason}") from error
    rows = written[:, batch["input_ids"].shape[1] :].tolist()  # waits for a card
    seconds = time.monotonic() - started
    return seconds, [row[: row.index(end) + 1] if end in row else row for row in rows]


def compiled() -> dict[str, Any]:
    """What torch compiled: graphs, and the places at which it could not go on.

    Raises:
        UserError: it compiled nothing, so the speed would be that of another way.
    """
    from torch._dynamo.utils import counters

    graphs = counters["stats"]["unique_graphs"]
    if not graphs:
        raise UserError("torch.compile compiled nothing (is it switched off by a variable?)")
    return {"graphs": graphs, "graph_breaks": sum(counters["graph_break"].values())}


if __name__ == "__main__":
    entry.command(main)
