"""Ties in votes: found, and explained as the vote itself broke them."""

from dataclasses import replace

import pytest

from numina.errors import UserError
from numina.records.trace import Trace, Verdict
from numina.report.ties import count_ties, tie_break
from numina.sctir.vote import tally, weight_of
from tests.conftest import PARAMS, make_trace


def voted(traces: list[Trace], no_code_weight: float = 1.0) -> Verdict:
    """The real vote of some traces."""
    sctir = PARAMS.sctir.model_copy(update={"no_code_weight": no_code_weight})
    votes = tally(traces, weight_of(sctir))
    winner = votes[0][0] if votes else None
    n = len(traces)
    return Verdict("p", 1, winner, dict(votes), n, traces, "full", 0, 0, 0, 1.0)


def ballots(*rows: tuple[str | None, float]) -> list[Trace]:
    return [make_trace("p", i, answer, logprob=sure) for i, (answer, sure) in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "winner", "tie"),
    [
        ([("810", -0.1), ("392", -0.5), ("810", -0.3), ("392", -0.2), ("84", 0)], "810", "logprob"),
        ([("1", -0.5), ("2", -0.1)], "2", "logprob"),
        ([("2", -0.5), ("1", -0.5)], "1", "form"),
        ([("1", -0.5), ("2", -0.1), ("1", -0.5)], "1", None),
        ([("1", -0.1)], "1", None),
        ([(None, -0.1)], None, None),
        ([("2.0", -0.3), ("4/2", -0.3), ("3", -0.2), ("3", -0.2)], "3", "logprob"),
    ],
)
def test_a_tie_is_explained_as_the_vote_broke_it(rows, winner, tie):
    verdict = voted(ballots(*rows))
    assert verdict.answer == winner
    assert tie_break(verdict, PARAMS.sctir) == tie


def test_a_trace_without_a_vote_does_not_count():
    silent = make_trace("p", 2, "1", logprob=-9.0, statuses=())
    verdict = voted([*ballots(("1", -0.1), ("2", -0.2)), silent], no_code_weight=0)
    assert verdict.answer == "1"
    knobs = PARAMS.sctir.model_copy(update={"no_code_weight": 0.0})
    assert tie_break(verdict, knobs) == "logprob"


def test_ties_are_counted_by_what_decided_them():
    verdicts = [voted(ballots(("1", -0.1), ("2", sure))) for sure in (-0.1, -0.2, -0.3)]
    assert count_ties([*verdicts, voted([])], PARAMS.sctir) == {"logprob": 2, "form": 1}


def test_votes_that_no_trace_gave_are_named():
    verdict = replace(voted(ballots(("1", -0.1), ("2", -0.2))), votes={"7": 1.0, "2": 1.0})
    with pytest.raises(UserError, match="problem p, seed 1: '7' has votes, but no trace gives it"):
        tie_break(verdict, PARAMS.sctir)
