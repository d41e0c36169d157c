"""Which checkpoint of an interrupted run can be gone on from."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path

# What torch saves: optimiser, schedule, random numbers, arguments. They are zip files.
SAVED_BY_TORCH = (".pt", ".pth", ".bin")


def last_whole_checkpoint(checkpoints: Path) -> str | None:
    """The newest checkpoint that is whole; those that are not are removed, and named.

    The trainer writes a checkpoint's `trainer_state.json` last; yet a full disk or a damaged one
    leaves files cut short behind it.
    """
    found = [path for path in checkpoints.glob("checkpoint-*") if step_of(path) >= 0]
    for path in sorted(found, key=step_of, reverse=True):
        broken = damage(path)
        if not broken:
            return str(path)
        print(f"{path}: {broken}, so it is removed", file=sys.stderr)
        shutil.rmtree(path)
    return None


def step_of(checkpoint: Path) -> int:
    """The optimiser step of a checkpoint's folder; -1 where its name has none."""
    step = checkpoint.name.removeprefix("checkpoint-")
    return int(step) if step.isdecimal() else -1


def damage(checkpoint: Path) -> str:
    """What is wrong with a checkpoint; "" where it is whole."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "trainer_state.json is missing or cut short"
    files = sorted(file for file in checkpoint.rglob("*") if file.is_file())
    weights = [file for file in files if file.suffix == ".safetensors"]
    saved = [file for file in files if file.suffix in SAVED_BY_TORCH]
    named = {file.name for file in files}
    if not weights:
        return "it has no weights"
    for needed in ("optimizer.pt", "scheduler.pt"):
        if needed not in named and not list(checkpoint.glob("global_step*")):  # DeepSpeed's own
            return f"{needed} is missing"
    for index in checkpoint.glob("*.safetensors.index.json"):
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if missing := sorted(shards - named):
            return f"{missing[0]} is missing"
    for file in saved:
        if not zipfile.is_zipfile(file):
            return f"{file.name} is cut short"
    for file in weights:
        if not is_whole(file):
            return f"{file.name} is cut short"
    return ""


def is_whole(file: Path) -> bool:
    """Whether a safetensors file has all that its header names."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np"):
            return True
    except (SafetensorError, OSError):
        return False
