"""What is said of a vote."""

import pytest

from numina.demo.finding import finding
from numina.records.trace import Verdict
from tests.conftest import make_trace
from tests.demo.played import sctir

CASES = {
    "lossless": (["7", "7", "7"], 5, "lossless", "lead is 3, and only 2 votes are outstanding", []),
    "one left": (
        ["7", "7", "7", "5"],
        5,
        "lossless",
        "lead is 2, and only 1 vote is outstanding",
        [],
    ),
    "full": (["7", "7", "5"], 3, "full", "All 3 traces have ended", []),
    "plurality": (
        ["7", "7", "5", "6"],
        4,
        "full",
        "All 4 traces have ended",
        ["as many votes, or more"],
    ),
    "tie": (["7", "5"], 2, "full", "", ["A tie of "]),
    "alone": (["7", None], 2, "full", "All 2 traces", ["Only one trace gave an answer"]),
    "deadline": (["7", "7"], 5, "deadline", "", ["The time was up with 3 votes outstanding"]),
    "stopped": (["7", "7"], 5, "stopped", "", ["You stopped it with 3 votes outstanding"]),
    "stopped, but settled": (["7", "7", "7"], 5, "stopped", "only 2 votes are outstanding", []),
    "risky rule": (["7", "7"], 9, "beta", "", ["The rule beta closed the vote: the leader was"]),
    "nothing": ([None, None], 2, "full", "", ["None of the 2 traces gave an answer that counts"]),
    "stopped early": ([], 2, "stopped", "", ["You stopped it, and none of the 0 traces"]),
    "late": ([None], 2, "deadline", "", ["The time was up, and none of the 1 trace that ended"]),
}


@pytest.mark.parametrize("name", CASES)
def test_an_answer_has_its_certificate_or_its_doubts(name):
    answers, n, stop, certificate, doubts = CASES[name]
    traces = [make_trace("problem", i, answer) for i, answer in enumerate(answers)]
    knobs = sctir(n)
    from numina.sctir.vote import margin, tally

    votes = tally(traces)
    best = votes[0][0] if votes else None
    left = n - len(traces)
    verdict = Verdict("problem", 1, best, dict(votes), n, traces, stop, margin(votes), left, 0, 1.0)
    found = finding(verdict, knobs)
    assert found.answer == best
    assert bool(found.certificate) == bool(certificate) and certificate in found.certificate
    assert len(found.doubts) == len(doubts)
    assert all(said in doubt for said, doubt in zip(doubts, found.doubts, strict=True))
