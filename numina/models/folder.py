"""Check a model's folder before anything heavy is loaded: in well under a second, without torch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numina.errors import UserError

VOCABULARIES = (
    *("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model"),
    *("sentencepiece.bpe.model", "tekken.json"),
)
OPTIONAL_OBJECTS = ("generation_config.json", "special_tokens_map.json", "added_tokens.json")
LFS = b"version https://git-lfs"


def check_model_folder(model: Path) -> None:
    """Insist on a folder with a whole model and its tokenizer.

    The configuration and the tokenizer's files are JSON, every weight file that is named is there,
    and the tensors that its header names lie within it.

    Raises:
        UserError: something is missing, cut short or not what it should be, with the file.
    """
    config = json_object(folder(model) / "config.json", "so no model to load")
    if not isinstance(config.get("model_type"), str):
        raise UserError(f"{model}/config.json: has no model_type, the model's architecture")
    quantised = config.get("quantization_config")
    if quantised is not None and not isinstance(quantised, dict):
        raise UserError(f"{model}/config.json: quantization_config is not an object")
    check_tokenizer(model)
    for name in OPTIONAL_OBJECTS:
        if (model / name).exists():
            json_object(model / name)
    check_weights(model)


def check_tokenizer(model: Path) -> None:
    """Insist on a folder with a tokenizer.

    Raises:
        UserError: a file of it is missing or is not what it should be, with the file.
    """
    json_object(folder(model) / "tokenizer_config.json", "so no tokenizer to load")
    present = [model / name for name in VOCABULARIES if (model / name).exists()]
    if not present:
        raise UserError(f"{model}: no vocabulary there ({', '.join(VOCABULARIES[:4])}, ...)")
    for file in present:
        if file.suffix != ".json":
            not_empty(file)
            continue
        found = json_object(file)
        if file.name == "tokenizer.json" and not isinstance(found.get("model"), dict):
            raise UserError(f"{file}: holds no tokenizer (no object 'model' in it)")


def check_weights(model: Path) -> None:
    """Insist on whole weight files: those that an index names, or the only one.

    Raises:
        UserError: one is missing or damaged, or lacks a tensor that the index says it has.
    """
    kinds: list[tuple[str, Callable[[Path], set[str] | None]]] = [
        ("model.safetensors", tensors_of),
        ("pytorch_model.bin", pickled),
    ]
    for name, read in kinds:
        if (model / name).exists():
            read(model / name)
            return
        index = model / f"{name}.index.json"
        if index.exists():
            check_shards(index, read)
            return
    others = sorted(model.glob("*.safetensors"))  # older quantisers have names of their own
    if not others or (model / "adapter_config.json").exists():
        adapter = " (an adapter alone: merge it into its model)" if others else ""
        raise UserError(f"{model}: no weights there, model.safetensors or shards{adapter}")
    for file in others:
        tensors_of(file)


def check_shards(index: Path, read: Callable[[Path], set[str] | None]) -> None:
    """Insist on the files that an index names, and their tensors.

    Raises:
        UserError: one is missing or damaged.
    """
    placed = json_object(index).get("weight_map")
    if not isinstance(placed, dict) or not placed:
        raise UserError(f"{index}: has no weight_map, which names the file of each tensor")
    expected: dict[str, set[str]] = {}
    for tensor, name in placed.items():
        if not isinstance(name, str) or Path(name).name != name:
            raise UserError(f"{index}: {tensor!r} lies in {name!r}, which is not a file's name")
        expected.setdefault(name, set()).add(tensor)
    for name, tensors in sorted(expected.items()):
        file = index.parent / name
        if not file.exists():
            raise UserError(f"{file}: not there, though {index.name} names it")
        found = read(file)
        if found is not None and (lacking := sorted(tensors - found)):
            raise UserError(f"{file}: has no {lacking[0]!r}, though {index.name} says so")


def tensors_of(file: Path) -> set[str]:
    """The names of a safetensors file's tensors, each of which lies within it.

    Raises:
        UserError: it cannot be read, or is cut short.
    """
    from safetensors import SafetensorError, safe_open

    not_empty(file)
    try:
        with safe_open(file, framework="np") as weights:
            names = set(weights.keys())
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file}: not whole safetensors weights ({error})") from None
    if not names:
        raise UserError(f"{file}: holds no tensors")
    return names


def pickled(file: Path) -> None:
    """Insist on a file that torch saved.

    Raises:
        UserError: it is empty or cut short.
    """
    not_empty(file)
    if not zipfile.is_zipfile(file):
        raise UserError(f"{file}: not weights that torch saved, or cut short")


def folder(model: Path) -> Path:
    """The folder itself.

    Raises:
        UserError: it is not one.
    """
    if not model.is_dir():
        what = "not a folder" if model.exists() else "not found"
        raise UserError(f"{model}: {what}, so no model to load")
    return model


def not_empty(file: Path) -> None:
    """Insist on a file with content of its own.

    Raises:
        UserError: it cannot be read, is empty, or is what Git LFS leaves in the place of a file.
    """
    try:
        with file.open("rb") as content:
            start = content.read(len(LFS))
    except OSError as error:
        raise UserError(f"{file}: {error.strerror or error}") from None
    if not start:
        raise UserError(f"{file}: is empty")
    if start == LFS:
        raise UserError(f"{file}: a Git LFS pointer, not the file itself (git lfs pull)")


def json_object(file: Path, lacking: str = "") -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        UserError: the file is missing, or holds something else.
    """
    if not file.exists():
        raise UserError(
            f"{file.parent}: no {file.name} there" + (f", {lacking}" if lacking else "")
        )
    not_empty(file)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise UserError(f"{file}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise UserError(f"{file}: {type(found).__name__}, not an object")
    return found
