"""Accuracy of the vote by depth: what it would say if its traces could run fewer programs.

Computed from the traces at hand. A trace that ran more than d programs is cut where it asked for
the next one, as a run with depth d would have done; what it had stated until then is its answer. Up
to there such a run decodes the same tokens, as each step has a seed of its own. If a vote was
closed early, the traces that were not run may have been able to change the vote of the cut ones:
such votes are counted as `guessed`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from numina.answer.find import find_answer
from numina.answer.rule import admit
from numina.fences import blocks
from numina.measure.curves import majority_curve
from numina.measure.pools import pool_of
from numina.measure.results import Results
from numina.measure.score import groups
from numina.records.trace import Trace, Verdict
from numina.sctir.vote import weight_of
from numina.settings.decoding import Sctir
from numina.settings.splits import AnswerRule

DEPTH_FIELDS = ("split", "depth", "accuracy", "low", "high", "guessed")


def depth_rows(
    results: Results, sctir: Sctir, rules: Mapping[str, AnswerRule]
) -> list[dict[str, Any]]:
    """Accuracy by split, and of all splits together, for depths from 1 to the run's own.

    Args:
        results: what the evaluation stages wrote.
        sctir: the knobs that the votes were cast with.
        rules: what counts as an answer, by split.
    """
    weight, may_stop = weight_of(sctir), sctir.stop != "none"
    rows = []
    for name, splits in groups(results):
        for depth in range(1, sctir.depth + 1):
            pools = [
                [pool_of(cut(v, depth, rules[split]), problem.answer, weight) for v in verdicts]
                for split in splits
                for problem, *verdicts in zip(
                    results.problems[split], *results.sctir[split].values(), strict=True
                )
            ]
            point = majority_curve(pools, may_stop).points[-1]
            rows.append(
                {
                    "split": name,
                    "depth": depth,
                    "accuracy": round(point.accuracy, 4),
                    "low": round(point.low, 4),
                    "high": round(point.high, 4),
                    "guessed": point.guessed,
                }
            )
    return rows


def cut(verdict: Verdict, depth: int, rule: AnswerRule) -> Verdict:
    """A verdict whose traces ran `depth` programs at most."""
    traces = [cut_trace(trace, depth, rule) for trace in verdict.traces]
    return dataclasses.replace(verdict, traces=traces)


def cut_trace(trace: Trace, depth: int, rule: AnswerRule) -> Trace:
    """A trace that ends where it asked for the output of one program more than `depth`."""
    if len(trace.block_statuses) <= depth:
        return trace
    shown = [block for block in blocks(trace.text) if block.kind == "output"]
    text = trace.text[: shown[depth].inside] if depth < len(shown) else trace.text
    answer = find_answer(text, rule.from_output)
    return dataclasses.replace(
        trace,
        text=text,
        answer=None if answer is None else admit(answer, rule)[0],
        end="depth",
        block_statuses=trace.block_statuses[:depth],
    )
