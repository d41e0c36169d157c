"""What `numina solve` says of a vote."""

import pytest

from numina.cli.story import explain
from numina.records.trace import Verdict


@pytest.mark.parametrize(
    ("votes", "said"),
    [
        ({"810": 2, "392": 2, "84": 1}, "a tie of 810 and 392"),
        ({"810": 3, "392": 2}, "votes: 810: 3, 392: 2; all 5 traces are in"),
        ({}, "votes: none"),
    ],
)
def test_a_tie_is_named(votes, said):
    answer = next(iter(votes), None)
    verdict = Verdict("p", 1, answer, votes, 5, [], "full", 0, 0, 0, 1.0)
    assert said in explain(verdict)
    assert ("tie" in explain(verdict)) == ("tie" in said)
