"""What became of traces in which a program failed or printed nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal

from numina.fences import outputs
from numina.measure.grade import grade
from numina.measure.results import Results
from numina.measure.systems import GREEDY, SCTIR
from numina.records.trace import Trace

Fate = Literal["recovered", "repeated", "gave_up"]
Graded = tuple[Trace, str]  # with the right answer


def recoveries(results: Results, splits: Sequence[str]) -> dict[str, dict[str, int]]:
    """Counts by system over some splits, all seeds together.

    ``failed_traces`` have a program that raised an exception, was stopped, or printed nothing; each
    is one of ``recovered``, ``repeated`` and ``gave_up`` (see `fate`). ``recovered_right`` are
    those recovered that gave the right answer.
    """
    traces: dict[str, list[Graded]] = defaultdict(list)
    for split in splits:
        golds = [problem.answer for problem in results.problems[split]]
        for system in GREEDY:
            traces[system.name] += zip(results.greedy[system.model][split], golds, strict=True)
        for verdicts in results.sctir[split].values():
            for verdict, gold in zip(verdicts, golds, strict=True):
                traces[SCTIR.name] += ((trace, gold) for trace in verdict.traces)
    return {system: counts(rows) for system, rows in traces.items()}


def counts(traces: Sequence[Graded]) -> dict[str, int]:
    """The counts of some traces, each with the right answer."""
    fates = [(fate(trace), grade(trace.answer, gold)) for trace, gold in traces]
    reached = Counter(reached for reached, _ in fates)
    return {
        "failed_traces": len(fates) - reached[None],
        "recovered": reached["recovered"],
        "recovered_right": fates.count(("recovered", True)),
        "repeated": reached["repeated"],
        "gave_up": reached["gave_up"],
    }


def fate(trace: Trace) -> Fate | None:
    """What a trace did about a program that failed; None if none did.

    recovered: its last program worked. repeated: its last program failed, and so did the one
    before. gave_up: its last program failed, and it tried no other.
    """
    fails = failures(trace)
    if not any(fails):
        return None
    if not fails[-1]:
        return "recovered"
    return "repeated" if fails[-2:-1] == [True] else "gave_up"


def failures(trace: Trace) -> list[bool]:
    """Whether each program of a trace failed or printed nothing."""
    return [
        status != "ok" or not output.strip()
        for status, output in zip(trace.block_statuses, outputs(trace.text), strict=False)
    ]
