"""The vote: which answer the traces of a problem agree on, and when it can no longer change."""

from __future__ import annotations

from collections.abc import Sequence

from numina.answer.equal import equal
from numina.records import Trace


def tally(traces: Sequence[Trace]) -> list[tuple[str, int]]:
    """Count the answers, equal ones together; the winner stands first.

    Ties are broken by the higher mean log-probability, then by the answer's text, so the
    order in which traces finish never matters.
    """
    groups: list[list[Trace]] = []
    for trace in sorted(traces, key=lambda trace: trace.index):
        if trace.answer is None:
            continue
        for group in groups:
            if equal(trace.answer, group[0].answer or "").equal:
                group.append(trace)
                break
        else:
            groups.append([trace])
    groups.sort(key=lambda g: (-len(g), -sum(trace.logprob for trace in g) / len(g), g[0].answer))
    return [(group[0].answer or "", len(group)) for group in groups]


def margin(votes: Sequence[tuple[str, int]]) -> int:
    """Votes of the leader less those of the runner-up."""
    if not votes:
        return 0
    return votes[0][1] - (votes[1][1] if len(votes) > 1 else 0)


def traces_needed(votes: Sequence[tuple[str, int]], done: int, n: int) -> int:
    """How many more traces to start now; 0 when the leader cannot be caught, even by a tie.

    The fewest after which the vote could be settled are started: if all of them go to the leader,
    its margin exceeds what is then outstanding. So no trace is started that could not matter.
    """
    outstanding = n - done
    lead = margin(votes)
    if lead > outstanding:
        return 0
    # After k more votes for the leader: lead + k > outstanding - k.
    return min(outstanding, (outstanding - lead) // 2 + 1)
