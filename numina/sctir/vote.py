"""The vote: what counts as an answer, what it weighs, and which one the traces agree on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from numina.answer.equal import alike, as_integer
from numina.records.trace import Trace
from numina.settings.decoding import Sctir
from numina.settings.splits import AnswerRule

Votes = list[tuple[str, float]]  # answers with their weights, the winner first


def admit(answer: str, rule: AnswerRule) -> tuple[str | None, str]:
    """An answer as a split counts it, and "answer"; or None, and why it has no vote.

    With a modulus, a whole number stands for its remainder, as contests ask it.
    """
    if not rule.integer:
        return answer, "answer"
    whole = as_integer(answer)
    if whole is None:
        return None, "not_integer"
    if rule.modulus:
        whole %= rule.modulus
    too_low = rule.lowest is not None and whole < rule.lowest
    if too_low or (rule.highest is not None and whole > rule.highest):
        return None, "out_of_range"
    return str(whole), "answer"


def weight_of(sctir: Sctir) -> Callable[[Trace], float]:
    """What a trace's vote weighs, from 0 to 1.

    With `vote: logprob` it is the geometric mean of its tokens' probabilities.
    """

    def weight(trace: Trace) -> float:
        sure = math.exp(trace.logprob) if sctir.vote == "logprob" else 1
        return sure if trace.block_statuses else sure * sctir.no_code_weight

    return weight


def tally(traces: Sequence[Trace], weight: Callable[[Trace], float] = lambda _: 1) -> Votes:
    """Add up the answers, equal ones together; the winner stands first.

    Ties are broken by the higher mean log-probability, then by the answer's text, so the
    order in which traces finish never matters. An answer of no weight is left out.
    """
    groups: list[list[Trace]] = []
    for trace in sorted(traces, key=lambda trace: trace.index):
        if trace.answer is None or weight(trace) <= 0:
            continue
        for group in groups:
            if alike(trace.answer, group[0].answer or ""):
                group.append(trace)
                break
        else:
            groups.append([trace])

    def rank(group: list[Trace]) -> tuple[float, float, str]:
        sureness = sum(trace.logprob for trace in group) / len(group)
        return -math.fsum(map(weight, group)), -sureness, group[0].answer or ""

    ranked = sorted((rank(group), group[0].answer or "") for group in groups)
    return [(answer, round(-minus_weight, 6)) for (minus_weight, *_), answer in ranked]


def margin(votes: Votes) -> float:
    """Weight of the leader less that of the runner-up."""
    if not votes:
        return 0
    return votes[0][1] - (votes[1][1] if len(votes) > 1 else 0)
