"""Measure how fast vLLM decodes the plain model, the recipe's quantised model and the 4-bit model.

    python -m experiments.stage awq experiments.four_bits.speed --name awq --plain models/tir \
        --recipe models/quantised --model experiments/awq/model \
        --validation data/validation --out experiments/awq/speed.json

vLLM comes from this environment or from .venv-vllm (bash .ci/vllm.sh). What it does not load is
recorded with its reason.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

from experiments.asked import prompts
from experiments.four_bits.settings import Served
from experiments.limited import run_limited
from experiments.settings import own
from numina import entry, settings
from numina.errors import UserError
from numina.local import from_root
from numina.machine import machine
from numina.progress import progress_bar
from numina.rows import read_object, write_json
from numina.template import training_template

BESIDE = ".venv-vllm"
ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
MISSING = "vLLM is not installed here (bash .ci/vllm.sh)"


def main() -> str:
    args = entry.paths(__doc__, "name", "plain", "recipe", "model", "validation", "out")
    params = settings.load("engine", "sctir", "template", "hardware")
    served = own(str(args.name), Served)
    template = training_template(params.template.name)
    asked = prompts(args.validation, served.prompts, template)
    models = {"plain": args.plain, "recipe": args.recipe, "this": args.model}
    with progress_bar(len(models), "models") as bar:
        found: dict[str, Any] = {}
        for which, model in models.items():
            found[which] = measured(model, asked, served)
            bar.update()
    write_json(args.out, {**found, **served.model_dump(), "machine": machine()})
    return "\n".join(f"{which}: {in_words(row)}" for which, row in found.items())


def measured(model: Path, asked: list[str], served: Served) -> dict[str, Any]:
    """The speed of one model in a process of its own, or why there is none.

    Args:
        model: its folder.
        asked: prompts.
        served: how to measure.

    Raises:
        UserError: the process broke, with its last line.
    """
    python = vllm_python()
    if not asked or python is None:
        return {"outcome": "not measured", "reason": MISSING if asked else "prompts: 0"}
    with tempfile.TemporaryDirectory() as folder:
        job, out = Path(folder, "job.json"), Path(folder, "found.json")
        write_json(job, {"prompts": asked, "new_tokens": served.new_tokens})
        ended = run_limited(
            "experiments.four_bits.in_vllm",
            [str(model), str(job), str(out)],
            served.limit_s,
            python=python,
            environment=ENVIRONMENT,
        )
        if ended.status == 0:
            return read_object(out, "outcome")
    if ended.status is None:
        return {"outcome": "over the limit", "reason": f"not done within {served.limit_s} s"}
    raise UserError(f"{model}: vLLM ended with status {ended.status}: {ended.last_line}")


def vllm_python() -> Path | None:
    """The interpreter of the environment that has vLLM; None if there is none."""
    if importlib.util.find_spec("vllm"):
        return Path(sys.executable)
    beside = from_root(BESIDE)
    return beside.absolute() / "bin" / "python" if (beside / "ready").exists() else None


def in_words(row: dict[str, Any]) -> str:
    """A row in a line."""
    if row["outcome"] != "measured":
        return f"{row['outcome']}: {row['reason']}"
    return f"{row['tokens_per_s']} tokens/s together, {row['alone_tokens_per_s']} alone"


if __name__ == "__main__":
    entry.run(main)
