"""Refuse to merge models that do not fit together, from the headers of their files alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numina.errors import UserError
from numina.models.folder import VOCABULARIES, check_model_folder, json_object

# With the same shapes, weights mean something else if one of these differs.
MEANING = (
    *("model_type", "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_act"),
    *("rope_parameters", "rope_scaling", "rope_theta", "sliding_window", "tie_word_embeddings"),
    *("num_experts_per_tok", "quantization_config"),
)
FLOATS = ("F64", "F32", "F16", "BF16")
LENGTHS = ("padding", "truncation")  # of tokenizer.json: what a training leaves there


class Tensor(NamedTuple):
    """What the header of a file says of a tensor."""

    shape: list[int]
    dtype: str


def check_alike(models: Sequence[Path]) -> None:
    """Check that models can be merged: the same tensors, the same tokenizer, the same meaning.

    Raises:
        UserError: a folder has no complete model, its weights are quantised, or two models differ,
            with both folders and both shapes.
    """
    for model in models:
        check_model_folder(model)
    first, *others = models
    expected = tensors_of(first)
    for other in others:
        check_shapes(first, expected, other, tensors_of(other))
        check_meaning(first, other)
        check_tokenizers(first, other)


def tensors_of(model: Path) -> dict[str, Tensor]:
    """The shapes and types of a model's tensors by name.

    Raises:
        UserError: it has no safetensors files, or a tensor does not hold plain numbers.
    """
    from safetensors import safe_open

    found: dict[str, Tensor] = {}
    for file in sorted(model.glob("*.safetensors")):
        with safe_open(file, framework="np") as stored:
            for name in stored.keys():  # noqa: SIM118 (not a mapping)
                part = stored.get_slice(name)
                found[name] = Tensor(part.get_shape(), part.get_dtype())
                if found[name].dtype not in FLOATS:
                    raise UserError(
                        f"{file}: {name} is {found[name].dtype}: quantised weights cannot be merged"
                    )
    if not found:
        raise UserError(f"{model}: has no weights in safetensors files")
    return found


def check_shapes(
    first: Path, ours: dict[str, Tensor], other: Path, theirs: dict[str, Tensor]
) -> None:
    """Check that two models have the same tensors of the same shapes.

    Raises:
        UserError: they do not, with the first that differs.
    """
    shared = sorted(ours.keys() & theirs.keys())
    if unlike := [name for name in shared if ours[name].shape != theirs[name].shape]:
        name = unlike[0]
        raise UserError(
            f"{first} and {other}: cannot be merged: {name} is {ours[name].shape} in the one and "
            f"{theirs[name].shape} in the other; {len(unlike)} tensors differ in shape"
        )
    for has, lacks, lone in [
        (first, other, ours.keys() - theirs.keys()),
        (other, first, theirs.keys() - ours.keys()),
    ]:
        if lone:
            name = min(lone)
            raise UserError(
                f"{first} and {other}: cannot be merged: {has} has {name} of shape "
                f"{(ours | theirs)[name].shape}, {lacks} does not have it "
                f"({len(ours)} and {len(theirs)} tensors)"
            )


def check_meaning(first: Path, other: Path) -> None:
    """Check that two config.json agree in what gives weights their meaning.

    Raises:
        UserError: they do not, with the key and both values.
    """
    ours, theirs = (json_object(model / "config.json") for model in (first, other))
    for key in MEANING:
        if ours.get(key) != theirs.get(key):
            raise UserError(
                f"{first} and {other}: cannot be merged: {key} of config.json is "
                f"{ours.get(key)!r} in the one and {theirs.get(key)!r} in the other"
            )


def check_tokenizers(first: Path, other: Path) -> None:
    """Check that two tokenizers split every text the same way.

    Raises:
        UserError: they do not, with both sizes.
    """
    for name in VOCABULARIES:
        ours, theirs = (vocabulary(model / name) for model in (first, other))
        if ours != theirs:
            raise UserError(
                f"{first} and {other}: cannot be merged: their tokenizers differ in "
                f"{differing(ours, theirs)}{name} ({size(ours)} and {size(theirs)})"
            )


def differing(ours: Any, theirs: Any) -> str:
    """The first keys in which two files differ, as the beginning of a phrase."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return ""
    keys = [key for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]
    return f"{', '.join(keys[:3])} of "


def vocabulary(file: Path) -> Any:
    """The content of a tokenizer's file, as far as it says how a text is split."""
    if not file.exists():
        return None
    if file.suffix != ".json":
        return file.read_bytes()
    return {key: value for key, value in json_object(file).items() if key not in LENGTHS}


def size(content: Any) -> str:
    """How large a vocabulary is, in words."""
    if content is None:
        return "missing"
    if isinstance(content, bytes):
        return f"{len(content)} bytes"
    model = content.get("model")
    tokens = set(token_texts(model.get("vocab", ()) if isinstance(model, dict) else content))
    tokens |= {token["content"] for token in content.get("added_tokens", ())}
    return f"{len(tokens)} tokens"


def token_texts(vocab: Any) -> list[str]:
    """The tokens of a vocabulary: a mapping to ids, or pairs with scores."""
    return [item if isinstance(item, str) else json.dumps(item) for item in vocab]
