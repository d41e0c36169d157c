"""Check that the settings fit a model, before hours of training.

Nothing is returned, so no setting reaches a stage that does not declare it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.rows import read_object
from numina.settings.models import AWQ_OUTPUTS
from numina.settings.params import FILE, Params, read


def check_fits(model: Path, file: Path = FILE) -> None:
    """Refuse knobs that do not fit a model.

    Args:
        model: a folder with a config.json.
        file: the settings.

    Raises:
        UserError: as `misfits` words it.
    """
    for misfit in misfits(read(file), read_object(model / "config.json"), str(model)):
        raise UserError(f"{file}: {misfit}")


def misfits(params: Params, config: Mapping[str, Any], model: str) -> Iterator[str]:
    """The knobs that do not fit a model, a line each: with its value and the model's number.

    A group size must divide the input of every linear layer, AWQ's outputs must be multiples of 64,
    and no text may be longer than the model's positions.

    Args:
        params: all knobs.
        config: the model's config.json.
        model: what a line calls the model.
    """
    for layer, size in input_sizes(config).items():
        if not params.passed_on and size % params.quantize.group_size:
            yield (
                f"quantize.group_size: {params.quantize.group_size} does not divide "
                f"{layer} {size} of {model}"
            )
    if not params.passed_on and params.quantize.method == "awq":
        for layer, size in output_sizes(config).items():
            if size % AWQ_OUTPUTS:
                yield (
                    f"quantize.method: awq takes outputs in multiples of {AWQ_OUTPUTS}, and "
                    f"{layer} is {size} in {model}"
                )
    positions = config.get("max_position_embeddings")
    for knob, length in lengths(params).items():
        if isinstance(positions, int) and length > positions:
            yield f"{knob}: {length} is more than the {positions} positions of {model}"


def input_sizes(config: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of the inputs of a transformer's linear layers, by name."""
    found = {name: config.get(name) for name in ("hidden_size", "intermediate_size")}
    heads, hidden = config.get("num_attention_heads"), config.get("hidden_size")
    if isinstance(heads, int) and isinstance(hidden, int):
        head = config.get("head_dim") or hidden // heads
        found["num_attention_heads x head_dim"] = heads * head
    return {name: size for name, size in found.items() if isinstance(size, int)}


def output_sizes(config: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of the outputs of a transformer's linear layers, by name."""
    found = input_sizes(config)
    few, heads = config.get("num_key_value_heads"), config.get("num_attention_heads")
    queries = found.get("num_attention_heads x head_dim")
    if isinstance(few, int) and isinstance(heads, int) and queries is not None:
        found["num_key_value_heads x head_dim"] = few * (queries // heads)
    return found


def lengths(params: Params) -> dict[str, int]:
    """The settings that limit the tokens of a whole text."""
    trained = {"sft_cot": params.sft_cot, "sft_tir": params.sft_tir}
    trained = {} if params.passed_on else trained
    return {
        **{f"{name}.max_length": sft.max_length for name, sft in trained.items()},
        "eval_greedy.max_context": params.eval_greedy.max_context,
        "sctir.max_context": params.sctir.max_context,
    }
