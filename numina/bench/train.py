"""Training: ours beside plain TRL scripts, on the same model, rows and steps, in one run.

Each is a process of its own (`numina.bench.train_ways`). `plain` is TRL's quick start: a batch of
rows with padding, all defaults. `plain_packing` is the same with `packing=True`. Both compute in
the precision that ours has: TRL's default, bfloat16, is many times slower without units for it.
Ours is `sft_cot` of params.yaml, `hardware` included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from numina.bench.small_model import small_model
from numina.errors import UserError
from numina.machine import machine
from numina.progress import progress_bar
from numina.rows import read_object, read_problems, write_json, write_rows
from numina.settings.params import Params
from numina.sources.catalog import training_problems

WAYS = ("ours", "plain", "plain_packing")
DRAWS = 16  # of a family, where no rows are given


def bench(params: Params, model: Path | None, rows: Path | None, steps: int) -> dict[str, Any]:
    """Train in all ways, one after another.

    Args:
        params: all knobs; `sft_cot`, `template` and `hardware` are used.
        model: a folder that transformers loads; None for a small one, with random weights.
        rows: a JSONL file of solved problems; None for problems of the embedded families.
        steps: optimiser steps of each way; the first is not measured.

    Returns:
        Of each way: seconds of a step (median), tokens a step and a second without padding, and the
        most memory, in 10^9 bytes: of the card, or else of the whole process. And ours over theirs.

    Raises:
        UserError: a file is wrong, or a training failed.
    """
    problems = read_problems(rows) if rows else [row for row, _ in training_problems(1, DRAWS)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_rows(folder / "rows.jsonl", problems)
        small = model or small_model(folder / "model", problems, params.sft_cot.max_length)
        inputs = {
            "model": str(small),
            "steps": steps,
            "template": params.template.name,
            "params": params.sft_cot.model_dump(),
            "hardware": params.hardware.model_dump(),
        }
        write_json(folder / "inputs.json", inputs)
        found = {}
        with progress_bar(len(WAYS), "trainings") as bar:
            for way in WAYS:
                found[way] = measure(way, folder)
                bar.update()
    return {
        **found,
        "ratios": {
            f"{figure}_over_{way}": round(found["ours"][figure] / found[way][figure], 3)
            for way in WAYS[1:]
            for figure in ("step_s", "tokens_per_s", "peak_gb")
        },
        "machine": machine(),
    }


def measure(way: str, folder: Path) -> dict[str, Any]:
    """Train in one way, in a process of its own.

    Raises:
        UserError: it failed.
    """
    command = [sys.executable, "-m", "numina.bench.train_ways", way, str(folder)]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise UserError(f"the training {way!r} failed (status {done.returncode}): see the log")
    return read_object(folder / f"{way}.json")
