"""The vote: what a trace weighs, and which answer the traces agree on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numina.answer.equal import canonical
from numina.records.trace import Trace
from numina.settings.decoding import Sctir

Votes = list[tuple[str, float]]  # answers with their weights, the winner first


@dataclass(frozen=True, slots=True)
class Group:
    """The traces that gave one answer.

    Attributes:
        form: the canonical form that they share.
        answer: the answer as it is shown: the shortest of their spellings.
        traces: in the order of their indices.
    """

    form: str
    answer: str
    traces: tuple[Trace, ...]


def weight_of(sctir: Sctir) -> Callable[[Trace], float]:
    """What a trace's vote weighs, from 0 to 1.

    With `vote: logprob` it is the geometric mean of its tokens' probabilities, to the power
    `vote_power`: at 1 nearly one trace, one vote; at the number of its tokens, the trace's
    probability; the higher, the nearer to taking the answer of the surest trace.
    """

    def weight(trace: Trace) -> float:
        sure = math.exp(sctir.vote_power * trace.logprob) if sctir.vote == "logprob" else 1
        return sure if trace.block_statuses else sure * sctir.no_code_weight

    return weight


def groups(traces: Sequence[Trace]) -> list[Group]:
    """The traces that have an answer, by its canonical form; their order does not matter."""
    found: defaultdict[str, list[Trace]] = defaultdict(list)
    for trace in sorted(traces, key=lambda trace: trace.index):
        if trace.answer is not None:
            found[canonical(trace.answer)].append(trace)
    return [Group(form, shown(form, same), tuple(same)) for form, same in sorted(found.items())]


def shown(form: str, traces: Sequence[Trace]) -> str:
    """The answer of a group: a whole number in digits, else the shortest of its spellings."""
    if form.removeprefix("-").isdigit():
        return form
    return min({trace.answer or "" for trace in traces}, key=lambda text: (len(text), text))


def tally(traces: Sequence[Trace], weight: Callable[[Trace], float] = lambda _: 1) -> Votes:
    """Add up the votes of equal answers; the winner comes first.

    Ties are broken by the higher mean log-probability, then by the answer's canonical form, so the
    order in which traces finish never matters; `leaders` gives all answers of a tie. An answer of
    no weight is left out.
    """
    ranked = []
    for group in groups(traces):
        cast = [trace for trace in group.traces if weight(trace) > 0]
        if cast:
            sureness = sum(trace.logprob for trace in cast) / len(cast)
            total = math.fsum(map(weight, cast))
            ranked.append(((-total, -sureness, group.form), group.answer, float(f"{total:.9g}")))
    return [(answer, total) for _, answer, total in sorted(ranked)]


def leaders(votes: Votes) -> list[str]:
    """The answers that lead with the same weight: more than one in a tie, none without votes."""
    return [answer for answer, weight in votes if weight == votes[0][1]]


def margin(votes: Votes) -> float:
    """Weight of the leader less that of the runner-up."""
    if not votes:
        return 0
    return votes[0][1] - (votes[1][1] if len(votes) > 1 else 0)
