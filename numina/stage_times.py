"""How long each stage took on this machine, in ``logs/stages.jsonl``.

The outs of a stage hold no time, so that equal work has equal hashes; so this is no out.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

from numina import overlay
from numina.terminal import FOLDER

FILE = FOLDER / "stages.jsonl"
EXPERIMENT = "experiment"


def name_of(arguments: list[str]) -> str:
    """What a stage is called: its module, and its first out where a module makes several."""
    stage = Path(arguments[0]).stem
    out = arguments[arguments.index("--out") + 1] if "--out" in arguments[:-1] else ""
    name = f"{stage} {out}" if stage in ("sft", "eval_greedy") and out else stage
    changes = overlay.file()
    return f"{EXPERIMENT} {changes.parent.name} {name}" if changes else name


def note(seconds: float) -> None:
    """Add the time of the stage that this process ran."""
    line = json.dumps({"stage": name_of(sys.argv), "seconds": round(seconds, 1)})
    with suppress(OSError), FILE.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def noted() -> dict[str, float]:
    """Seconds of the last run of each stage, in the order in which they ran; empty if unknown.

    The report, which shows them, is not among them: else it would differ each time. Nor are
    experiments.
    """
    found: dict[str, float] = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        for line in FILE.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.pop(row["stage"], None)
            found[row["stage"]] = float(row["seconds"])
    found.pop("report", None)
    return {stage: taken for stage, taken in found.items() if not stage.startswith(EXPERIMENT)}
