"""Each problem by each system and seed: its answer, whether it is right, and what it took."""

from __future__ import annotations

from typing import Any

from numina.measure.results import Results
from numina.measure.score import grade
from numina.measure.systems import GREEDY, SCTIR
from numina.records.trace import Trace, Verdict

FIELDS = ("answer", "right", "tokens", "seconds", "traces", "first")


def grid_data(results: Results) -> dict[str, Any]:
    """The table that the page's script shows and hands out, every problem in it.

    Returns:
        columns: a system and a seed each; the seed is None for a greedy system.
        rows: for each problem its split, id, subject, level and gold, and a cell a column: the
        values of `FIELDS`. `right` is None where that is undecided. `seconds` are from the start
        of the problem to its answer, other problems being worked on beside it. `first` is the
        index of the first trace; None where there is none.
    """
    seeds = list(next(iter(results.sctir.values())))
    columns = [[system.name, None] for system in GREEDY]
    columns += [[SCTIR.name, seed] for seed in seeds]
    rows = []
    for split, problems in results.problems.items():
        for position, problem in enumerate(problems):
            gold = problem.answer
            traces = [results.greedy[system.model][split][position] for system in GREEDY]
            verdicts = [results.sctir[split][seed][position] for seed in seeds]
            cells = [
                *(greedy_cell(t, gold) for t in traces),
                *(voted_cell(v, gold) for v in verdicts),
            ]
            about = [split, problem.id, problem.subject, problem.level, gold]
            rows.append([*about, cells])
    return {"fields": FIELDS, "columns": columns, "rows": rows}


def greedy_cell(trace: Trace, gold: str) -> list[Any]:
    """What one greedy trace came to."""
    seconds = trace.decode_s + trace.execute_s + trace.wait_s
    right = grade(trace.answer, gold)
    return [trace.answer, right, trace.generated_tokens, round(seconds, 1), 1, trace.index]


def voted_cell(verdict: Verdict, gold: str) -> list[Any]:
    """What a vote came to."""
    tokens = sum(trace.generated_tokens for trace in verdict.traces)
    first = verdict.traces[0].index if verdict.traces else None
    right = grade(verdict.answer, gold)
    seconds = round(verdict.seconds, 1)
    return [verdict.answer, right, tokens, seconds, len(verdict.traces), first]
