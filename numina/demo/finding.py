"""What is said of a vote: its answer with a certificate, or with what makes it doubtful."""

from __future__ import annotations

from dataclasses import dataclass

from numina.records.trace import Verdict
from numina.report.ties import tie_break
from numina.report.wording import STOPS, TIES
from numina.sctir.vote import leaders
from numina.settings.decoding import Sctir

WHEN = {"deadline": "The time was up", "stopped": "You stopped it"}


@dataclass(frozen=True, slots=True)
class Finding:
    """The standing of an answer.

    Attributes:
        answer: None if no trace has a vote.
        certificate: why no further trace could change the answer; "" if one could.
        doubts: reasons to be careful, a sentence each.
    """

    answer: str | None
    certificate: str
    doubts: tuple[str, ...]


def finding(verdict: Verdict, sctir: Sctir) -> Finding:
    """What a verdict proves, and what it leaves open.

    Args:
        verdict: its `stop` may also be ``stopped``: by the visitor.
        sctir: the knobs that the votes were cast with.
    """
    if verdict.answer is None:
        return Finding(None, "", (nothing_found(verdict),))
    votes, left = list(verdict.votes.items()), verdict.outstanding
    tied = leaders(votes)
    settled = len(tied) == 1 and (left == 0 or verdict.margin > left)
    certificate, doubts = certificate_of(verdict) if settled else "", []
    if not settled and verdict.stop in WHEN:
        could = f"with {counted(left, 'vote')} outstanding, which could change it"
        doubts.append(f"{WHEN[verdict.stop]} {could}.")
    elif not settled and verdict.stop != "full":
        doubts.append(f"The rule {verdict.stop} closed the vote: {STOPS[verdict.stop]}.")
    if len(tied) > 1:
        decided = TIES[tie_break(verdict, sctir) or "logprob"]
        doubts.append(f"A tie of {' and '.join(tied)}, {decided}.")
    elif 2 * votes[0][1] <= sum(weight for _, weight in votes) and len(votes) > 1:
        doubts.append("The other answers together have as many votes, or more.")
    with_vote = len([trace for trace in verdict.traces if trace.answer is not None])
    if with_vote == 1:
        doubts.append("Only one trace gave an answer.")
    return Finding(verdict.answer, certificate, tuple(doubts))


def certificate_of(verdict: Verdict) -> str:
    """Why no further trace could change the answer of a vote that is settled."""
    left = verdict.outstanding
    if left == 0:
        return f"All {verdict.n} traces have ended, and this answer leads."
    return (
        f"Its lead is {verdict.margin:g}, and only {counted(left, 'vote')} "
        f"{'is' if left == 1 else 'are'} outstanding: the vote of all {verdict.n} traces would "
        "have the same answer."
    )


def nothing_found(verdict: Verdict) -> str:
    """Why there is no answer."""
    ended = counted(verdict.n - verdict.outstanding, "trace")
    if verdict.stop in WHEN:
        return f"{WHEN[verdict.stop]}, and none of the {ended} that ended has an answer."
    return f"None of the {ended} gave an answer that counts."


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 vote, 2 votes."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
