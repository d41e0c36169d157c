"""The rules that stop a vote: the lossless one never changes an answer."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numina.sctir.stop import beta, lossless, traces_needed, windows
from numina.sctir.vote import tally, weight_of
from tests.conftest import PARAMS, make_trace

SCTIR = PARAMS.sctir
ANSWERS = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=1, max_size=24)


@pytest.mark.parametrize(
    ("votes", "outstanding", "more"),
    [
        ([], 8, 5),  # five of eight settle it
        ([("1", 5)], 3, 0),
        ([("1", 4), ("2", 1)], 3, 1),
        ([("1", 4)], 4, 1),  # 4 against 4 would be a tie
        ([], 1, 1),
        ([("1", 0.5)], 1, 1),
        ([("1", 1.5), ("2", 0.4)], 1, 0),
    ],
)
def test_only_traces_that_can_matter_are_wanted(votes, outstanding, more):
    assert lossless(votes, outstanding) == more


def run(pool, sctir, rng):
    """What `solve` does, with traces that end in random order: those that end before the stop."""
    finished, running, waiting = [], [], list(reversed(pool))
    while True:
        needed, rule = traces_needed(finished, sctir)
        if needed == 0:
            return finished, rule
        while len(running) < needed:
            running.append(waiting.pop())
        finished.append(running.pop(rng.randrange(len(running))))


@given(ANSWERS, st.integers(), st.sampled_from(["uniform", "logprob"]))
def test_the_lossless_stop_gives_the_answer_of_all_n(answers, seed, vote):
    rng = random.Random(seed)
    pool = [make_trace("p", i, a, logprob=-rng.random()) for i, a in enumerate(answers)]
    sctir = SCTIR.model_copy(update={"n": len(pool), "stop": "lossless", "vote": vote})
    finished, rule = run(pool, sctir, rng)
    full, stopped = (tally(traces, weight_of(sctir)) for traces in (pool, finished))
    assert (stopped[0][0] if stopped else None) == (full[0][0] if full else None)
    assert rule == ("full" if len(finished) == len(pool) else "lossless")


SPELLINGS = st.lists(
    st.sampled_from(["5 cm", "5", "5%", "0.05", r"\frac{10}{2}", "0.333", "0.33", "1/3", None]),
    min_size=1,
    max_size=12,
)


@given(SPELLINGS, st.integers())
def test_the_lossless_stop_holds_for_answers_with_units_and_roundings(answers, seed):
    rng = random.Random(seed)
    pool = [make_trace("p", i, a, logprob=-rng.random()) for i, a in enumerate(answers)]
    sctir = SCTIR.model_copy(update={"n": len(pool), "stop": "lossless"})
    finished, _ = run(pool, sctir, rng)
    full, stopped = (tally(traces, weight_of(sctir)) for traces in (pool, finished))
    assert (stopped[0][0] if stopped else None) == (full[0][0] if full else None)


@given(ANSWERS, st.integers())
def test_without_a_rule_all_n_are_run(answers, seed):
    pool = [make_trace("p", i, answer) for i, answer in enumerate(answers)]
    sctir = SCTIR.model_copy(update={"n": len(pool), "stop": "none"})
    finished, rule = run(pool, sctir, random.Random(seed))
    assert (len(finished), rule) == (len(pool), "full")


def test_a_trace_is_not_started_twice_over():
    """Agreeing traces: a majority of N is run and no more."""
    pool = [make_trace("p", i, "7") for i in range(16)]
    sctir = SCTIR.model_copy(update={"n": 16, "stop": "lossless"})
    assert len(run(pool, sctir, random.Random(0))[0]) == 9


def test_the_beta_rule_is_adaptive_consistencys():
    # With k agreeing votes the posterior is Beta(k+1, 1): 1 - 2**-(k+1) >= 0.95 from k = 4.
    assert beta([("1", 3)], 40, 0.95) == 1
    assert beta([("1", 4)], 40, 0.95) == 0
    assert beta([("1", 4), ("2", 3)], 40, 0.95) > 0
    assert beta([], 40, 0.95) == 4


def test_the_beta_rule_keeps_its_risk():
    """A model that answers "1" in 70% of traces: the full vote's answer is kept as promised."""
    rng = random.Random(0)
    sctir = SCTIR.model_copy(update={"n": 40, "stop": "beta", "stop_confidence": 0.95})
    kept, taken = 0, 0
    for _ in range(200):
        pool = [make_trace("p", i, "1" if rng.random() < 0.7 else "2") for i in range(40)]
        finished, _ = run(pool, sctir, rng)
        kept += tally(finished)[0][0] == tally(pool)[0][0]
        taken += len(finished)
    assert kept / 200 >= 0.9
    assert taken / 200 < 20


def test_esc_stops_at_a_window_of_one_answer():
    same = [make_trace("p", i, "4") for i in range(5)]
    assert windows(same, 35, 5) == 0
    assert windows(same[:3], 37, 5) == 2  # the window is completed
    mixed = [make_trace("p", i, "45"[i == 2]) for i in range(5)]
    assert windows(mixed, 35, 5) == 5  # and the next one begun
    unanswered = [make_trace("p", i, None) for i in range(5)]
    assert windows(unanswered, 35, 5) == 5
