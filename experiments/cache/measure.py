"""Decode with the dynamic cache, the static cache, and the static cache with torch.compile.

    python -m experiments.stage cache experiments.cache.measure --model models/tir \
        --validation data/validation --out experiments/cache/result.json

All ways must give the same tokens. `torch.compile` runs twice: cold, with nothing compiled before,
and warm, in a new process that finds the kernels of the cold one on disk. A way that does not end
within `cache.limit_s`, or a compiler that fails, is recorded. A killed run starts over.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.asked import prompts
from experiments.cache.settings import CacheParams
from experiments.limited import run_limited
from experiments.settings import own
from numina import entry, settings
from numina.errors import UserError
from numina.machine import machine
from numina.models.folder import check_model_folder
from numina.progress import progress_bar
from numina.rows import read_object, write_json
from numina.template import training_template

WAYS = ("dynamic", "static", "compiled_cold", "compiled_warm")
Found = dict[str, Any]


def main() -> str:
    args = entry.paths(__doc__, "model", "validation", "out")
    template = training_template(settings.load("template").template.name)
    params = own("cache", CacheParams)
    check_model_folder(args.model)
    asked = prompts(args.validation, params.prompts, template)
    found = {device: on_device(args.model, device, asked, params) for device in devices()}
    write_json(args.out, {**params.model_dump(), "machine": machine(), "devices": found})
    return "\n".join(
        f"{device}, {way}: {in_words(row)}"
        for device, rows in found.items()
        for way, row in rows.items()
    )


def devices() -> list[str]:
    """The processor, and a card if torch sees one."""
    import torch

    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def on_device(
    model: Path, device: str, asked: Sequence[str], params: CacheParams
) -> dict[str, Found]:
    """Every way of decoding on one device.

    Raises:
        UserError: the dynamic cache gives no tokens to compare with, or another way gives others.
    """
    found: dict[str, Found] = {}
    with tempfile.TemporaryDirectory() as folder, progress_bar(len(WAYS), f"ways, {device}") as bar:
        job, kernels = Path(folder, "job.json"), Path(folder, "kernels")
        write_json(job, {"prompts": list(asked), "params": params.model_dump()})
        for way in WAYS:
            if way == "compiled_warm" and found["compiled_cold"]["outcome"] != "done":
                found[way] = {"outcome": "not tried", "reason": "the cold compile did not end"}
            else:
                out = Path(folder, f"{way}.json")
                found[way] = one_way(way, device, model, job, out, kernels, params.limit_s)
            bar.update()
    expected = found["dynamic"]
    if expected["outcome"] != "done":
        raise UserError(f"{model}: dynamic cache on {device}: {expected['reason']}")
    for way, row in found.items():
        check_same(expected, row, f"{model}: {way} on {device}")
    return {way: figures(row, expected) for way, row in found.items()}


def one_way(
    way: str, device: str, model: Path, job: Path, out: Path, kernels: Path, limit_s: float
) -> Found:
    """Decode one way in a process of its own; `kernels` keeps what it compiled."""
    name = way.partition("_")[0]
    places = {"TORCHINDUCTOR_CACHE_DIR": str(kernels), "TRITON_CACHE_DIR": str(kernels / "triton")}
    ended = run_limited(
        "experiments.cache.decode",
        [name, device, str(model), str(job), str(out)],
        limit_s,
        environment=places,
    )
    had = read_object(out) if out.exists() else {}
    if ended.status == 0:
        return {"outcome": "done", **had}
    if ended.status is None:
        return {"outcome": "over the limit", "reason": unfinished(had, limit_s), **had}
    reason = ended.last_line or f"status {ended.status}"
    return {"outcome": "failed", "reason": reason.removeprefix("error: "), **had}


def unfinished(had: Found, limit_s: float) -> str:
    """How far a process came that was ended at the limit."""
    if "load_s" not in had:
        part = "loading the model"
    elif not had["runs_s"]:
        part = "the first run, which compiles if anything does,"
    else:
        part = f"run {len(had['runs_s']) + 1}"
    return f"{part} did not end within {limit_s} s of the start"


def check_same(expected: Found, row: Found, what: str) -> None:
    """Check that a way gave the tokens of the dynamic cache, as far as it came.

    Raises:
        UserError: it did not, with the first place.
    """
    if "tokens" not in row or row["tokens"] == expected["tokens"]:
        return
    for number, (ours, theirs) in enumerate(zip(row["tokens"], expected["tokens"], strict=True)):
        if ours != theirs:
            pairs = zip(ours, theirs, strict=False)
            at = next(
                (at for at, pair in enumerate(pairs) if pair[0] != pair[1]),
                min(len(ours), len(theirs)),
            )
            raise UserError(
                f"{what}: other tokens than the dynamic cache: prompt {number + 1}, new token "
                f"{at + 1}: {ours[at : at + 3]} instead of {theirs[at : at + 3]}"
            )


def figures(row: Found, expected: Found) -> Found:
    """What is kept of a way: seconds, speed, and the speed beside the dynamic cache's."""
    kept = {key: row[key] for key in ("outcome", "reason", "load_s") if key in row}
    runs = row.get("runs_s", [])
    if row["outcome"] != "done":
        return kept
    kept |= {key: row[key] for key in ("graphs", "graph_breaks") if key in row}
    later, dynamic = statistics.median(runs[1:]), statistics.median(expected["runs_s"][1:])
    tokens = sum(map(len, row["tokens"]))
    return {
        **kept,
        "first_s": runs[0],
        "later_s": later,
        "setup_s": round(max(0.0, runs[0] - later), 3),
        "tokens": tokens,
        "tokens_per_s": round(tokens / later, 1),
        "speedup": round(dynamic / later, 2),
    }


def in_words(row: Found) -> str:
    """A way in a line."""
    if row["outcome"] != "done":
        return f"{row['outcome']}: {row['reason']}"
    return (
        f"{row['tokens_per_s']} tokens/s, {row['speedup']} x dynamic, "
        f"first run {row['first_s']:.1f} s"
    )


if __name__ == "__main__":
    entry.run(main)
