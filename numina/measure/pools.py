"""A run's traces as pools of votes, and its curves over the number of traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numina.measure.curves import Vote, VotePool, majority_curve, pass_curve
from numina.measure.results import Results
from numina.measure.score import grade
from numina.records.trace import Trace, Verdict
from numina.sctir.vote import groups, weight_of
from numina.settings.decoding import Sctir

CURVE_FIELDS = ("split", "k", "accuracy", "low", "high", "pass_at_k", "guessed")


def curve_rows(results: Results, sctir: Sctir) -> list[dict[str, Any]]:
    """maj@k by split for all k up to N, with pass@k beside it as far as it is known.

    Args:
        results: what the evaluation stages wrote.
        sctir: the knobs that the votes were cast with.
    """
    weight, may_stop = weight_of(sctir), sctir.stop != "none"
    rows = []
    for split, problems in results.problems.items():
        seeds = results.sctir[split].values()
        pools = [
            [pool_of(verdict, problem.answer, weight) for verdict in verdicts]
            for problem, *verdicts in zip(problems, *seeds, strict=True)
        ]
        passing = {
            point.k: round(point.accuracy, 4) for point in pass_curve(pools, may_stop).points
        }
        rows += [
            {
                "split": split,
                "k": point.k,
                "accuracy": round(point.accuracy, 4),
                "low": round(point.low, 4),
                "high": round(point.high, 4),
                "pass_at_k": passing.get(point.k, ""),
                "guessed": point.guessed,
            }
            for point in majority_curve(pools, may_stop).points
        ]
    return rows


def pool_of(verdict: Verdict, gold: str, weight: Callable[[Trace], float]) -> VotePool:
    """The traces of a vote, by the canonical forms of their answers, as the vote groups them."""
    votes: dict[int, Vote | None] = {trace.index: None for trace in verdict.traces}
    right = set()
    for group in groups(verdict.traces):
        if grade(group.answer, gold):
            right.add(group.form)
        for trace in group.traces:
            votes[trace.index] = Vote(group.form, weight(trace), trace.logprob)
    return VotePool(verdict.n, dict(sorted(votes.items())), frozenset(right))
