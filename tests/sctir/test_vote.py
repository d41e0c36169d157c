"""The vote, and the stop that cannot change it."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numina.records import Trace
from numina.sctir.vote import margin, tally, traces_needed


def trace(index: int, answer: str | None, logprob: float = -0.1) -> Trace:
    return Trace("p", 1, index, "", answer, "answer", [], 0, 0, logprob, 0.0, 0.0)


def test_equal_answers_vote_together():
    votes = tally([trace(0, "18"), trace(1, "18.0"), trace(2, "17"), trace(3, None)])
    assert votes == [("18", 2), ("17", 1)]


def test_ties_go_to_the_likelier_answer_whoever_came_first():
    assert tally([trace(0, "5", -0.9), trace(1, "7", -0.2)])[0] == ("7", 1)
    assert tally([trace(1, "7", -0.2), trace(0, "5", -0.9)])[0] == ("7", 1)


def test_no_answers_no_votes():
    assert tally([trace(0, None)]) == []
    assert margin([]) == 0


@pytest.mark.parametrize(
    ("votes", "done", "n", "more"),
    [
        ([], 0, 8, 5),  # five of eight settle it
        ([("1", 5)], 5, 8, 0),
        ([("1", 4), ("2", 1)], 5, 8, 1),
        ([("1", 4)], 4, 8, 1),  # 4 against 4 would be a tie
        ([("1", 2), ("2", 2)], 8, 8, 0),
        ([], 8, 8, 0),
        ([], 0, 1, 1),
    ],
)
def test_only_traces_that_can_matter_are_started(votes, done, n, more):
    assert traces_needed(votes, done, n) == more


@given(st.lists(st.sampled_from(["1", "2", "3", None]), min_size=1, max_size=24), st.integers())
def test_the_lossless_stop_gives_the_answer_of_all_n(answers, seed):
    rng = random.Random(seed)
    pool = [trace(i, answer, -rng.random()) for i, answer in enumerate(answers)]
    seen = 0
    while more := traces_needed(tally(pool[:seen]), seen, len(pool)):
        seen += more
    full = tally(pool)
    stopped = tally(pool[:seen])
    assert (stopped[0][0] if stopped else None) == (full[0][0] if full else None)
    assert Counter(dict(stopped)) <= Counter(dict(full))
