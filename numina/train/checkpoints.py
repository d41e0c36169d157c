"""Find the checkpoint from which an interrupted run can continue."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path

# Files that torch saves, as zip files: optimiser, schedule, random numbers, arguments.
SAVED_BY_TORCH = (".pt", ".pth", ".bin")


def last_whole_checkpoint(checkpoints: Path) -> str | None:
    """The newest complete checkpoint; incomplete ones are removed and reported.

    The trainer writes a checkpoint's `trainer_state.json` last, but a full or damaged disk can
    still leave truncated files.
    """
    found = [path for path in checkpoints.glob("checkpoint-*") if step_of(path) >= 0]
    for path in sorted(found, key=step_of, reverse=True):
        broken = damage(path)
        if not broken:
            return str(path)
        print(f"{path}: {broken}; removing this checkpoint", file=sys.stderr)
        shutil.rmtree(path)
    return None


def step_of(checkpoint: Path) -> int:
    """The optimiser step of a checkpoint's folder; -1 if its name has none."""
    step = checkpoint.name.removeprefix("checkpoint-")
    return int(step) if step.isdecimal() else -1


def damage(checkpoint: Path) -> str:
    """What is wrong with a checkpoint; "" if it is complete."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "trainer_state.json is missing or truncated"
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
            return f"{file.name} is truncated"
    for file in weights:
        if not is_whole(file):
            return f"{file.name} is truncated"
    return ""


def is_whole(file: Path) -> bool:
    """Whether a safetensors file has all the data that its header names."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np"):
            return True
    except (SafetensorError, OSError):
        return False
