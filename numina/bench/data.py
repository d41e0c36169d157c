"""Steps and stages of the data build on synthetic rows: rows a CPU second, peak memory, growth.

Each step runs in a process of its own for each number of rows, so that its peak memory is its own.
The time that it takes to draw the rows is measured apart and taken off. The stages are those of
`numina.bench.build`, their start included.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import log
from pathlib import Path
from typing import Any, NamedTuple

from numina.bench.build import build
from numina.bench.synthetic import one_template, one_wording, synthetic
from numina.errors import UserError
from numina.records.problem import Problem

SEED = 1
COVERAGE = 0.6  # as in params.yaml
VALIDATION = 1648  # problems, as many as in the four published sets


class Step(NamedTuple):
    """A step of the data build.

    Attributes:
        rows: draws rows, given their number and a seed.
        run: does the step and returns how many rows come out.
    """

    rows: Callable[[int, int], Iterator[Problem]]
    run: Callable[[Iterable[Problem]], int]


def duplicates(rows: Iterable[Problem]) -> int:
    from numina.corpus.duplicates import Duplicates
    from numina.corpus.wording import read

    known = Duplicates()
    return sum(known.find(row, read(row.problem)) is None for row in rows)


def leaks(rows: Iterable[Problem]) -> int:
    from numina.corpus.leaks import Covered
    from numina.corpus.wording import read

    rule = Covered(synthetic(VALIDATION, SEED), COVERAGE)  # the first rows leak
    return sum(rule.find(row, read(row.problem)) is None for row in rows)


STEPS = {
    "duplicates": Step(synthetic, duplicates),
    "duplicates, one template": Step(one_template, duplicates),
    "duplicates, one wording": Step(one_wording, duplicates),
    "leaks": Step(synthetic, leaks),
}


def bench(sizes: Sequence[int], model: Path | None = None) -> dict[str, Any]:
    """Every step and every stage on every number of rows, and how time grows from the least to the
    most: 1 is linear, 2 is quadratic.

    Args:
        sizes: numbers of rows.
        model: a folder with the tokenizer of the last stage; None for a small one.
    """
    sizes = sorted(set(sizes))
    runs = {name: [in_process(name, rows) for rows in sizes] for name in STEPS}
    stages = [build(rows, model) for rows in sizes]
    runs |= {f"stage {name}": [found[name] for found in stages] for name in stages[0]}
    found: dict[str, Any] = {}
    for name, measured in runs.items():
        found |= {f"{name}, {size}": run for size, run in zip(sizes, measured, strict=True)}
        if len(measured) > 1:
            found[f"{name}, growth"] = growth(measured[0], measured[-1])
    return found


def growth(first: dict[str, Any], last: dict[str, Any]) -> dict[str, float]:
    """How time and memory grow from one number of rows to another."""
    times = last["cpu_s"] / max(first["cpu_s"], 1e-3)
    more = last["rows"] - first["rows"]
    memory = "memory_mb" if "memory_mb" in first else "peak_mb"
    return {
        "exponent": round(log(times) / log(last["rows"] / first["rows"]), 2),
        "bytes_a_row": round((last[memory] - first[memory]) * 2**20 / more),
    }


def in_process(name: str, rows: int) -> dict[str, Any]:
    """What a process of its own measured.

    Raises:
        UserError: the process failed, with the last line that it wrote.
    """
    command = [sys.executable, "-m", "numina.bench.data", name, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise UserError(f"bench data: {name}, {rows} rows: {last}")
    return json.loads(done.stdout)


def measure(name: str, rows: int) -> dict[str, Any]:
    """One step on some rows, in this process."""
    step = STEPS[name]
    step.run(step.rows(10, SEED))  # imports
    began = time.process_time()
    for _ in step.rows(rows, SEED):
        pass
    drawn = time.process_time()
    out = step.run(step.rows(rows, SEED))
    cpu_s = max(1e-3, (time.process_time() - drawn) - (drawn - began))
    return {
        "rows": rows,
        "out": out,
        "cpu_s": round(cpu_s, 2),
        "rows_a_cpu_s": round(rows / cpu_s),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
