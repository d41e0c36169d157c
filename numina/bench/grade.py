"""Our grader and Math-Verify on the same labelled pairs, in one run, set by set.

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
from pathlib import Path
from typing import Any

from numina.answer.equal import equal
from numina.bench.labelled import OWN, Pair, is_seen, read_labelled
from numina.machine import CORES
from numina.progress import progress_bar

HANGS_AFTER_S = 30.0
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


def bench(files: Sequence[Path] = ()) -> dict[str, Any]:
    """Both on each set of pairs, with as many processes as there are cores; starting is not timed.

    The first set is our own, on which the rules were written. Sets given by argument are told apart
    as "seen", where the rules were written with them at hand, and "unseen": only the latter say how
    good the rules are on other answers.
    """
    rival = MathVerify()
    warm = Pair("x+1", "1+x", True, "", False)
    ways: dict[str, Callable[[Pair], bool | None]] = {
        "ours": lambda pair: equal(pair.prediction, pair.gold).equal,
        "math_verify": rival.decide,
    }
    sets = {name_of(path, files): read_labelled(path) for path in (OWN, *files)}
    found: dict[str, Any] = {}
    with progress_bar(2 * sum(map(len, sets.values())), "pairs") as bar:
        for way, decide in ways.items():
            with ThreadPoolExecutor(CORES) as threads:
                list(threads.map(decide, [warm] * CORES))
                for name, pairs in sets.items():
                    began = time.monotonic()
                    verdicts = []
                    for verdict in threads.map(decide, pairs):
                        verdicts.append(verdict)
                        bar.update()
                    seconds = round(time.monotonic() - began, 2)
                    found[f"{name}, {way}"] = {**summary(pairs, verdicts), "seconds": seconds}
    rival.close()
    ordered = {f"{name}, {way}": found[f"{name}, {way}"] for name in sets for way in ways}
    return {**ordered, "ratios": ratios(ordered, list(sets)[-1])}


def name_of(path: Path, files: Sequence[Path]) -> str:
    """A set's name: its file's, with the folder where another file has the same."""
    alone = [file.name for file in (OWN, *files)].count(path.name) == 1
    return f"{'seen' if is_seen(path) else 'unseen'}: {path.name if alone else path}"


def ratios(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The figures of one set in short."""
    ours = found[f"{name}, ours"]
    return {
        "set": name,
        "accuracy": ours["accuracy"],
        "math_verify_accuracy": found[f"{name}, math_verify"]["accuracy"],
        **{key: ours[key] for key in ("false_positives", "false_negatives", "undecided")},
    }
