"""Our grader and Math-Verify on the same labelled pairs, in one run.

Math-Verify is used as its README says, ``verify(parse(gold), parse(answer))`` with its own time
limits, in processes that are killed where those limits do not hold (on nested powers they do not).
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.answer.equal import as_integer, equal
from numina.errors import UserError
from numina.machine import CORES
from numina.progress import progress_bar
from numina.rows import read_lines

PAIRS = Path("../shared/data/grading/answer_equivalence_dev.jsonl")
HANGS_AFTER_S = 30.0
PLAIN_CAVEATS = (None, "machine label")  # others say that a convention decides
LOOP = """
import json, sys
from math_verify import parse, verify
print("[]", flush=True)
for line in sys.stdin:
    answer, gold = json.loads(line)
    try:
        found = bool(verify(parse(gold), parse(answer)))
    except Exception:
        found = None
    print(json.dumps([found]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled pair.

    Attributes:
        kind: where the label is from.
        convention: whether the label depends on a convention, so that the pair is counted apart.
    """

    prediction: str
    gold: str
    label: bool
    kind: str
    convention: bool

    @property
    def whole(self) -> bool:
        """Whether both are plainly whole numbers."""
        return as_integer(self.prediction) is not None and as_integer(self.gold) is not None


def read_labelled(path: Path) -> list[Pair]:
    """Read labelled pairs; a review replaces the label.

    Raises:
        UserError: the file is missing, or a row has no text or label, with its line and field.
    """
    if not path.exists():
        raise UserError(f"--pairs: {path}: not found (rows: prediction, gold, is_equivalent)")
    try:
        rows = read_lines(path)
    except ValueError as error:
        raise UserError(f"--pairs: {error}") from None
    pairs = []
    for line, row in rows:
        reviewed = row.get("reviewed")
        label = row.get("is_equivalent") if reviewed is None else reviewed
        convention = row.get("caveat") not in PLAIN_CAVEATS
        gold = "" if convention and row.get("gold") is None else row.get("gold")
        texts = {"prediction": row.get("prediction"), "gold": gold}
        for field, value in texts.items():
            if not isinstance(value, str):
                raise UserError(f"{path}:{line}: field {field!r} must be text, got {value!r}")
        if not isinstance(label, bool):
            raise UserError(f"{path}:{line}: field 'is_equivalent' must be true or false")
        kind = str(row.get("label_kind", "unknown")).split(" (")[0].split(",")[0]
        pairs.append(Pair(texts["prediction"], str(gold), label, kind, convention))
    return pairs


class MathVerify:
    """A process a thread, begun anew where it hangs."""

    def __init__(self) -> None:
        self.own = threading.local()
        self.all: list[subprocess.Popen[str]] = []

    def decide(self, pair: Pair) -> bool | None:
        process = getattr(self.own, "process", None)
        if process is None or process.poll() is not None:
            process = self.start()
        alarm = threading.Timer(HANGS_AFTER_S, process.kill)
        alarm.start()
        try:
            process.stdin.write(json.dumps([pair.prediction, pair.gold]) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        alarm.cancel()
        if not line:
            process.wait()
            return None
        return json.loads(line)[0]

    def start(self) -> Any:
        process = subprocess.Popen(
            [sys.executable, "-c", LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout
        if not process.stdout.readline():
            raise RuntimeError("Math-Verify did not start")
        self.own.process = process
        self.all.append(process)
        return process

    def close(self) -> None:
        for process in self.all:
            process.kill()
            process.communicate()


def tell(pairs: Sequence[Pair], verdicts: Sequence[bool | None]) -> dict[str, Any]:
    """How verdicts compare with the labels; an undecided one is not right."""
    both = [(pair.label, verdict) for pair, verdict in zip(pairs, verdicts, strict=True)]
    return {
        "pairs": len(both),
        "accuracy": round(sum(label is found for label, found in both) / max(1, len(both)), 4),
        "false_positives": sum(found is True and not label for label, found in both),
        "false_negatives": sum(found is False and label for label, found in both),
        "undecided": sum(found is None for _, found in both),
    }


def summary(pairs: Sequence[Pair], verdicts: Sequence[bool | None]) -> dict[str, Any]:
    """All in all, by kind of label, on conventions, and the wrong verdicts on whole numbers."""

    def part(keep: Callable[[Pair], bool]) -> dict[str, Any]:
        kept = [i for i, pair in enumerate(pairs) if keep(pair)]
        return tell([pairs[i] for i in kept], [verdicts[i] for i in kept])

    kinds = sorted({pair.kind for pair in pairs if not pair.convention})
    return {
        **part(lambda pair: not pair.convention),
        "wrong_integers": sum(
            verdict is not pair.label
            for pair, verdict in zip(pairs, verdicts, strict=True)
            if pair.whole and not pair.convention
        ),
        "by_kind": {
            kind: part(lambda p, k=kind: not p.convention and p.kind == k) for kind in kinds
        },
        "conventions": part(lambda pair: pair.convention),
    }


def bench(path: Path | None) -> dict[str, Any]:
    """Both on all pairs, each with as many processes as there are cores; starting is not timed."""
    pairs = read_labelled(path or PAIRS)
    rival = MathVerify()
    warm = Pair("x+1", "1+x", True, "", False)
    ways: dict[str, Callable[[Pair], bool | None]] = {
        "ours": lambda pair: equal(pair.prediction, pair.gold).equal,
        "math_verify": rival.decide,
    }
    found: dict[str, Any] = {}
    with progress_bar(2 * len(pairs), "pairs") as bar:
        for name, decide in ways.items():
            with ThreadPoolExecutor(CORES) as threads:
                list(threads.map(decide, [warm] * CORES))
                began = time.monotonic()
                verdicts = []
                for verdict in threads.map(decide, pairs):
                    verdicts.append(verdict)
                    bar.update()
                seconds = time.monotonic() - began
            found[name] = {**summary(pairs, verdicts), "seconds": round(seconds, 2)}
    rival.close()
    ours = found["ours"]
    return {
        **found,
        "ratios": {
            "accuracy": ours["accuracy"],
            "math_verify_accuracy": found["math_verify"]["accuracy"],
            **{key: ours[key] for key in ("false_positives", "false_negatives", "undecided")},
        },
    }
