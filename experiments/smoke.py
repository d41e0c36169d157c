"""Run experiments scaled down, in a clone in which the profile smoke was run.

    python -m experiments.smoke [NAME...]

It lays each experiment's smoke.yaml over its params.yaml, for good, and runs it; without names,
all of them. A list `targets` in smoke.yaml names the stages to run, with those that they need.
Models are removed when the experiments that read them have run.
An experiment without the file is not run: awq takes three minutes with any number of rows, and the
tests run awq, bases and cache on tiny models.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

from numina import entry
from numina.errors import UserError
from numina.overlay import overlaid
from numina.settings.params import document

HERE = Path("experiments")


def main() -> None:
    names = sys.argv[1:] or sorted(file.parent.name for file in HERE.glob("*/smoke.yaml"))
    for name in names:
        targets = scale_down(HERE / name)
        started = time.monotonic()
        done = subprocess.run(["dvc", "repro", "--no-commit", *targets], check=False)
        if done.returncode:
            raise UserError(f"{name}: dvc repro ended with status {done.returncode}")
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)
        if name != "kto":  # merge, which runs next, reads its model
            remove_models()


def scale_down(folder: Path) -> list[str]:
    """Lay smoke.yaml over params.yaml; the targets for DVC."""
    params = folder / "params.yaml"
    changes = document(folder / "smoke.yaml") or {}
    stages = changes.pop("targets", None)
    smaller = overlaid(document(params) or {}, changes)
    params.write_text(yaml.safe_dump(smaller, sort_keys=False), encoding="utf-8")
    file = str(folder / "dvc.yaml")
    return [f"{file}:{stage}" for stage in stages] if stages else [file]


def remove_models() -> None:
    """Remove what the experiments trained: all of it at once is 12 GB."""
    for weights in list(HERE.rglob("*.safetensors")):
        shutil.rmtree(weights.parent)


if __name__ == "__main__":
    entry.command(main)
