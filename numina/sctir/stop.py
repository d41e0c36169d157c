"""How many more traces a problem needs, given those that are done.

`lossless` never changes an answer. The two other rules take a risk, which is stated in their
papers, and are off by default.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from numina.records.trace import Trace
from numina.sctir.vote import Votes, margin, tally, weight_of
from numina.settings.decoding import Sctir

Needed = tuple[int, str]  # traces to have in flight, and the rule that says so when it is 0


def traces_needed(traces: Sequence[Trace], sctir: Sctir) -> Needed:
    """How many traces should be in flight beside those that are done; (0, rule) to stop.

    The fewest after which the rule could be met are wanted. One that is started is then never in
    vain but where another takes its place by ending sooner.
    """
    outstanding = sctir.n - len(traces)
    if outstanding == 0:
        return 0, "full"
    if sctir.stop == "none":
        return outstanding, "none"
    votes = tally(traces, weight_of(sctir))
    needed = lossless(votes, outstanding)
    if needed == 0 or sctir.stop == "lossless":
        return needed, "lossless"
    risky = beta(votes, outstanding, sctir.stop_confidence)
    if sctir.stop == "esc":
        risky = windows(traces, outstanding, sctir.stop_window)
    return min(needed, risky), sctir.stop


def lossless(votes: Votes, outstanding: int) -> int:
    """Traces to wait for before the leader can be out of reach, even of a tie.

    A vote weighs 1 at most, and votes are grouped by canonical form, so no two groups merge later.
    If all k go to the leader: margin + k > outstanding - k.
    """
    lead = margin(votes)
    return 0 if lead > outstanding else math.floor((outstanding - lead) / 2) + 1


def beta(votes: Votes, outstanding: int, confidence: float) -> int:
    """Adaptive-Consistency's rule (arXiv 2305.11860), with the Beta posterior of the top two.

    It stops once the leader is likelier than the runner-up to be the model's most frequent
    answer with at least `confidence`, given a uniform prior.
    """
    from scipy.stats import beta as beta_distribution

    leader, runner_up = ([weight for _, weight in votes] + [0, 0])[:2]
    for more in range(0 if votes else 1, outstanding):
        if beta_distribution.sf(0.5, leader + more + 1, runner_up + 1) >= confidence:
            return more
    return outstanding


def windows(traces: Sequence[Trace], outstanding: int, size: int) -> int:
    """Early-Stopping Self-Consistency (arXiv 2401.10480): stop at a window of one answer.

    Windows are `size` consecutive indices; the next is begun once this one is done.
    """
    by_index = sorted(traces, key=lambda trace: trace.index)
    for start in range(0, len(by_index) - size + 1, size):
        window = by_index[start : start + size]
        votes = tally(window)
        if votes and votes[0][1] == size:
            return 0
    return min(outstanding, size - len(traces) % size)
