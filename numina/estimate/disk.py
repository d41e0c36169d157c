"""What a run keeps on disks, and where."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from numina.estimate import work
from numina.estimate.assumed import COPIES, ROW_BYTES, TOKEN_BYTES, TOKEN_ON_DISK
from numina.estimate.memory import WIDTH, checkpoint_bytes, quantised_bytes, weight_bytes
from numina.estimate.records import Kept
from numina.estimate.shapes import Shape
from numina.estimate.units import in_gb
from numina.resume import cache_folder
from numina.settings.params import Params


def kept(params: Params, shape: Shape, processes: int, half: bool) -> Iterator[Kept]:
    """What the run leaves on disks, checkpoints at their largest: two, while one is written."""
    workspace, cache = Path.cwd(), cache_folder(params.hardware.cache)
    trained = weight_bytes(shape, 2 if processes > 1 and half else 4)
    stored = weight_bytes(shape, WIDTH.get(params.base_model.dtype, WIDTH.get(shape.dtype, 4)))
    rows = {"sft_cot": params.cot_data.max_rows, "sft_tir": work.tir_rows(params)}
    sizes = {
        "models/base": stored,
        "models/cot": stored if params.passed_on else trained,
        "models/tir": stored if params.passed_on else trained,
        "models/quantised": stored
        if params.passed_on
        else quantised_bytes(shape, params.quantize.bits, params.quantize.group_size),
        "data": sum(COPIES * count * ROW_BYTES[name] for name, count in rows.items()),
    }
    for what, size in sizes.items():
        yield on_disk(what, size, workspace)
    if params.base_model.source == "hub":
        home = os.environ.get("HF_HOME") or str(Path.home() / ".cache/huggingface")
        size = weight_bytes(shape, WIDTH.get(shape.dtype, 4))
        yield on_disk("the hub's copy", size, Path(home))
    if params.passed_on:
        return
    largest = max(count * ROW_BYTES[name] for name, count in rows.items())
    yield on_disk("tokens", round(largest / TOKEN_BYTES * TOKEN_ON_DISK), cache)
    if params.hardware.checkpoint_steps:
        size = 2 * checkpoint_bytes(shape, processes, half)
        yield on_disk("checkpoints", size, cache)


def on_disk(what: str, size: int, place: Path) -> Kept:
    """With what is free at a place that need not be there yet."""
    there = place.absolute()
    while not there.exists():
        there = there.parent
    return Kept(what, size, str(place), there.stat().st_dev, shutil.disk_usage(there).free)


def too_full(disk: list[Kept]) -> Iterator[str]:
    """A line for each disk that has less free than is to be written to it."""
    by_disk: dict[int, list[Kept]] = {}
    for item in disk:
        by_disk.setdefault(item.device, []).append(item)
    for items in by_disk.values():
        total, free = sum(item.bytes for item in items), min(item.free for item in items)
        if total > free:
            places = ", ".join(dict.fromkeys(item.place for item in items))
            yield f"{in_gb(total)} are needed in {places}, where {in_gb(free)} are free"
