"""Votes in which answers tied for the lead, and what decided between them."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from numina.errors import UserError
from numina.records.trace import Verdict
from numina.sctir.vote import groups, leaders, weight_of
from numina.settings.decoding import Sctir

TieBreak = Literal["logprob", "form"]


def tie_break(verdict: Verdict, sctir: Sctir) -> TieBreak | None:
    """What decided between answers of equal weight, as in `numina.sctir.vote.tally`; None: no tie.

    logprob: the mean log-probability of the traces. form: that is equal too, and the first answer
    in the order of their canonical forms won.

    Args:
        verdict: whose votes stand with the winner first.
        sctir: the knobs that the votes were cast with.

    Raises:
        UserError: no trace of the verdict has an answer that leads.
    """
    leading = leaders(list(verdict.votes.items()))
    if len(leading) < 2:
        return None
    weight = weight_of(sctir)
    cast = {
        group.answer: [trace.logprob for trace in group.traces if weight(trace) > 0]
        for group in groups(verdict.traces)
    }
    for answer in leading:
        if not cast.get(answer):
            where = f"problem {verdict.problem_id}, seed {verdict.seed}"
            raise UserError(f"{where}: {answer!r} has votes, but no trace gives it")
    first, *others = (round(statistics.fmean(cast[answer]), 9) for answer in leading)
    return "logprob" if first > max(others) else "form"


def count_ties(verdicts: Iterable[Verdict], sctir: Sctir) -> Counter[TieBreak]:
    """How many votes were ties, by what decided them."""
    counts: Counter[TieBreak] = Counter()
    for verdict in verdicts:
        if tie := tie_break(verdict, sctir):
            counts[tie] += 1
    return counts
