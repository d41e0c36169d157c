"""Votes in which answers tied for the lead, and what decided between them."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from numina.answer.equal import alike
from numina.records.trace import Verdict

TieBreak = Literal["logprob", "text"]


def tie_break(verdict: Verdict, no_code_weight: float) -> TieBreak | None:
    """What decided between answers of equal weight, as in `numina.sctir.vote.tally`; None: no tie.

    logprob: the mean log-probability of the traces. text: that is equal too, and the first answer
    as text won.

    Args:
        verdict: whose votes stand with the winner first.
        no_code_weight: what the vote of a trace without a program weighed; at 0 it had none.
    """
    weights = list(verdict.votes.items())
    leaders = [answer for answer, weight in weights if weight == weights[0][1]]
    if len(leaders) < 2:
        return None
    voters = [t for t in verdict.traces if t.answer and (t.block_statuses or no_code_weight > 0)]
    first, *others = (
        statistics.fmean(t.logprob for t in voters if alike(t.answer or "", answer))
        for answer in leaders
    )
    return "logprob" if first > max(others) else "text"


def count_ties(verdicts: Iterable[Verdict], no_code_weight: float) -> Counter[TieBreak]:
    """How many votes were ties, by what decided them."""
    counts: Counter[TieBreak] = Counter()
    for verdict in verdicts:
        if tie := tie_break(verdict, no_code_weight):
            counts[tie] += 1
    return counts
