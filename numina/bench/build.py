"""The stages of the data build, from a file of synthetic rows to the tokens of a training.

Each runs as `dvc repro` runs it, in a process of its own, on what the one before it wrote.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import yaml

from numina.bench.small_model import small_model
from numina.bench.synthetic import SOLVED_TOKENS, solved, synthetic
from numina.errors import UserError
from numina.profile import merged
from numina.records.problem import Problem
from numina.rows import write_json, write_rows, written_shards
from numina.settings.params import document

SEED = 1
VALIDATION = 1648  # problems, as many as in the four published sets
LOOK_S = 0.1  # between looks at the memory
STAGES = {
    "collect": "--digitized . --out data/collected",
    "dedup": "--collected data/collected --validation validation --out data/clean",
    "cot_data": "--clean data/clean --out data/cot",
    "tir_data": "--clean data/clean --collected data/collected --out data/attempts",
    "tir_select": "--attempts data/attempts --out data/tir",
}


def build(count: int, model: Path | None) -> dict[str, dict[str, Any]]:
    """What each stage took for a number of rows, by its name.

    Args:
        count: of rows.
        model: a folder with a tokenizer; None for one of 2,048 tokens, trained on the rows.

    Returns:
        Of each stage: rows that come in and are kept, CPU seconds of all its processes, rows a CPU
        second, and in MiB the most memory of all its processes together, seen ten times a second
        and without files that are mapped into it (`memory_mb`), and of the largest process, such
        files included (`peak_mb`).

    Raises:
        UserError: a stage failed, with the last line that it wrote.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_inputs(folder, count)
        found = {}
        for name, arguments in STAGES.items():
            out = folder / arguments.split()[-1]
            took = run(folder, f"stages.{name}", *arguments.split())
            counts = json.loads((out / "counts.json").read_text())
            found[name] = figures(counts["in"], counts["kept"], took)
        tokenizer = model or small_model(folder / "model", list(solved(2000, SEED)), SOLVED_TOKENS)
        took = run(folder, "numina.bench.build", str(tokenizer.resolve()))
        counts = json.loads((folder / "tokens.json").read_text())
        found["tokens"] = figures(counts["rows"], counts["trained"], took)
        found["tokens"]["tokens"] = counts["tokens"]
        return found


def write_inputs(folder: Path, count: int) -> None:
    """Write the rows, the validation set, no exams, and the knobs: all rows are taken."""
    write_rows(folder / "rows.jsonl", solved(count, SEED))
    write_rows(folder / "validation/v.jsonl", synthetic(VALIDATION, SEED + 1))
    with written_shards(folder / "pairs", Problem):
        pass
    changes = {
        "collect.per_family": 0,
        "collect.jsonl": [],
        "collect.sources": [{"path": str(folder / "rows.jsonl")}],
        "cot_data.max_rows": count,
        "tir_data.max_rows": count,
        "tir_data.trust_ready": True,
        "sft_cot.max_length": SOLVED_TOKENS,
        "hardware.cache": str(folder / "cache"),
    }
    params = merged(changes, document())
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def run(folder: Path, module: str, *arguments: str) -> dict[str, float]:
    """The CPU seconds and the memory of a module, run in a folder.

    Raises:
        UserError: it failed, with the last line that it wrote.
    """
    code = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    with (folder / "out.txt").open("w+") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        most = Watched(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        most.stop()
        out.seek(0)
        last = (out.read().strip().splitlines() or ["no output"])[-1]
    if process.returncode:
        raise UserError(f"bench data: {module}: {last}")
    return {
        "cpu_s": used.ru_utime + used.ru_stime,
        "memory_mb": most.bytes / 2**20,
        "peak_mb": used.ru_maxrss / 2**10,
    }


class Watched:
    """The most memory that a process and its descendants had together, mapped files left out."""

    def __init__(self, pid: int) -> None:
        self.pid, self.bytes = pid, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self) -> None:
        while not self.over.wait(LOOK_S):
            with suppress(psutil.Error):
                root = psutil.Process(self.pid)
                family = [root, *root.children(recursive=True)]
                self.bytes = max(self.bytes, sum(map(anonymous, family)))

    def stop(self) -> None:
        self.over.set()
        self.thread.join()


def anonymous(process: psutil.Process) -> int:
    """The bytes of a process that are not of a file."""
    with suppress(psutil.Error):
        found = process.memory_info()
        return found.rss - found.shared
    return 0


def figures(rows: int, kept: int, took: dict[str, float]) -> dict[str, Any]:
    """What is shown of a stage."""
    return {
        "rows": rows,
        "out": kept,
        "cpu_s": round(took["cpu_s"], 2),
        "rows_a_cpu_s": round(rows / max(took["cpu_s"], 1e-3)),
        "memory_mb": round(took["memory_mb"]),
        "peak_mb": round(took["peak_mb"]),
    }


def tokens(model: Path) -> None:
    """Write the tokens of a training on the chains of thought of a folder, this one, and count."""
    import dataclasses

    from transformers import AutoTokenizer

    from numina import settings
    from numina.template import TEMPLATES
    from numina.train.prepared import prepare

    params = settings.load("sft_cot", "template", "hardware")
    template = TEMPLATES[params.template.name]
    tokenizer = AutoTokenizer.from_pretrained(model)
    place = Path("tokens")
    place.mkdir()
    rows = Path("data/cot/train")
    prepared = prepare(place, rows, tokenizer, template, params.sft_cot, params.hardware)
    write_json(Path("tokens.json"), dataclasses.asdict(prepared.counts))


if __name__ == "__main__":
    tokens(Path(sys.argv[1]))
