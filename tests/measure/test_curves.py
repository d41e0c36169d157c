"""maj@k and pass@k: against brute force, and without bias under the real rule that stops early."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numina.measure import curves
from numina.measure.curves import (
    Vote,
    VotePool,
    first_k,
    majority_curve,
    pass_at_k,
    pass_curve,
    subsets,
)
from numina.sctir.stop import lossless
from numina.sctir.vote import tally
from tests.conftest import make_trace

RIGHT = frozenset({"A"})
VOTES = st.lists(
    st.one_of(
        st.none(),
        st.builds(
            Vote,
            st.sampled_from("ABC"),
            st.sampled_from([0.0, 0.5, 1.0]),
            st.sampled_from([-1.0, -0.5]),
        ),
    ),
    min_size=1,
    max_size=7,
)


def pool(votes, n: int = 0) -> VotePool:
    """A pool of the first votes, as text ("-": none) or as a list."""
    rows = [Vote(v) if isinstance(v, str) and v != "-" else v for v in votes]
    return VotePool(n or len(rows), {i: None if v == "-" else v for i, v in enumerate(rows)}, RIGHT)


def stopped(votes: str) -> VotePool:
    """The pool that the lossless rule leaves of traces that end in the order of their indices."""
    for m in range(len(votes)):
        ballot = tally([make_trace("p", i, v) for i, v in enumerate(votes[:m]) if v != "-"])
        if lossless(ballot, len(votes) - m) == 0:
            return pool(votes[:m], len(votes))
    return pool(votes)


def accuracies(curve) -> list[float]:
    return [point.accuracy for point in curve.points]


def vote_is_right(votes) -> bool:
    """By the vote itself, of the real traces."""
    traces = [
        make_trace("p", i, vote.answer, logprob=vote.logprob, text=str(vote.weight))
        for i, vote in enumerate(votes)
        if vote
    ]
    ranked = tally(traces, lambda trace: float(trace.text))
    return bool(ranked) and ranked[0][0] in RIGHT


@given(VOTES)
def test_subsets_are_those_of_the_vote_itself(votes):
    expected = [
        np.mean([vote_is_right(chosen) for chosen in itertools.combinations(votes, k)])
        for k in range(1, len(votes) + 1)
    ]
    assert subsets(pool(votes), [0]) == pytest.approx(expected)


@given(VOTES)
def test_prefixes_are_those_of_the_vote_itself(votes):
    right, sure = first_k(pool(votes))
    assert sure.all()
    assert list(right) == [vote_is_right(votes[:k]) for k in range(1, len(votes) + 1)]


def test_subsets_drawn_from_a_large_pool_are_near_all_of_them(monkeypatch):
    rng = random.Random(1)
    votes = [Vote(rng.choice("AABC"), 1.0, -rng.random()) for _ in range(14)]
    drawn = subsets(pool(votes), [0])
    monkeypatch.setattr(curves, "ALL_SUBSETS_UP_TO", 14)
    counted = subsets(pool(votes), [0])
    assert drawn == pytest.approx(counted, abs=0.08)
    assert (drawn[0], drawn[-1]) == (pytest.approx(counted[0]), counted[-1])
    assert majority_curve([[pool("A" * 20)]], may_stop=False).draws == 260


@given(st.text("ABC-", min_size=1, max_size=24))
def test_what_a_lossless_stop_left_says_how_every_k_would_have_ended(votes):
    """The proof in the module, by example: no point of the curve is lost to the stop."""
    right, sure = first_k(stopped(votes))
    assert sure.all()
    assert list(right) == list(first_k(pool(votes))[0])


@given(VOTES, st.sets(st.integers(0, 6)))
def test_what_is_sure_of_a_pool_with_holes_is_so_whatever_they_held(votes, holes):
    found = {i: vote for i, vote in enumerate(votes) if i not in holes}
    right, sure = first_k(VotePool(len(votes), found, RIGHT))
    full = first_k(pool(votes))[0]
    assert all(full[sure] == right[sure])


def test_early_stopping_leaves_maj_at_k_without_bias():
    """Over all orders of a pool the mean of its prefixes is that of its subsets."""
    for votes in ("AAAB", "ABBC-", "AABBC", "AAB-BB"):
        orders = [[stopped("".join(order))] for order in itertools.permutations(votes)]
        assert accuracies(majority_curve(orders, may_stop=True)) == pytest.approx(
            list(subsets(pool(votes), [0]))
        )


def test_subsets_of_complete_pools_with_prefixes_of_stopped_ones_would_be_biased():
    """The trap: whether AAAB or BAAA... was stopped depends on where its B stands."""
    orders = [stopped("".join(order)) for order in itertools.permutations("AAAB")]
    mixed = np.mean([subsets(p, [0]) if p.complete else first_k(p)[0] for p in orders], axis=0)
    assert subsets(pool("AAAB"), [0])[0] == 0.75
    assert mixed[0] == pytest.approx(0.25 * 1 + 0.75 * 0.75)  # not 0.75
    assert accuracies(majority_curve([[p] for p in orders], may_stop=True))[0] == 0.75


def test_a_run_that_may_stop_is_never_read_by_subsets():
    complete = [[pool("AB")], [pool("BA")]]
    assert majority_curve(complete, may_stop=True).estimator == "prefix"
    assert majority_curve(complete, may_stop=False).estimator == "subsets"
    assert majority_curve([[pool("AB"), pool("A", 2)]], may_stop=False).estimator == "prefix"


def test_maj_at_k_of_random_votes_is_the_truth_with_early_stopping():
    """Right in 45% of traces, B in 30%, C in 25%: the curve's mean is that of as many full votes.

    The truth is estimated from other, complete votes.
    """
    rng = random.Random(2)

    def votes() -> str:
        return "".join(rng.choices("ABC", (45, 30, 25), k=9))

    curve = majority_curve([[stopped(votes())] for _ in range(3000)], may_stop=True)
    truth = np.mean([first_k(pool(votes()))[0] for _ in range(6000)], axis=0)
    assert accuracies(curve) == pytest.approx(list(truth), abs=0.035)
    assert not any(point.guessed for point in curve.points)


def test_a_hole_is_guessed_only_where_it_matters():
    # Trace 1 was cancelled: at k = 2, A might have had a rival; at k = 4 and 5 it could not.
    holed = VotePool(5, {0: Vote("A"), 2: Vote("A"), 3: Vote("A"), 4: None}, RIGHT)
    curve = majority_curve([[holed]], may_stop=True)
    assert [point.guessed for point in curve.points] == [0, 1, 0, 0, 0]
    assert any(point.guessed for point in curve.points)
    assert accuracies(curve) == [1] * 5


def test_the_last_point_of_a_lossless_run_is_sure_whatever_ended_first():
    holed = VotePool(5, {1: Vote("A"), 2: Vote("A"), 3: Vote("A")}, RIGHT)
    curve = majority_curve([[holed]], may_stop=True)
    assert [point.guessed for point in curve.points] == [1, 1, 0, 0, 0]
    assert accuracies(curve)[0] == 1  # trace 1 stands in for trace 0


def test_a_pool_that_a_deadline_emptied_is_wrong_and_said_to_be_a_guess():
    curve = majority_curve([[VotePool(3, {}, RIGHT)]], may_stop=True)
    assert accuracies(curve) == [0, 0, 0]
    assert [point.guessed for point in curve.points] == [1, 1, 1]


def test_seeds_of_a_problem_are_one_problem():
    curve = majority_curve([[pool("A"), pool("B")]] * 20, may_stop=False)
    assert curve.points[0].accuracy == 0.5
    assert curve.points[0].low == pytest.approx(0.299, abs=1e-3)  # Wilson's, 10 of 20


def test_the_band_covers_the_curve_in_95_of_100(monkeypatch):
    monkeypatch.setattr("numina.measure.stats.RESAMPLES", 300)
    rng = random.Random(4)
    problems = [rng.choice([(60, 20, 20), (20, 60, 20), (40, 40, 20)]) for _ in range(2000)]
    seeds = [[pool("".join(rng.choices("ABC", p, k=3))) for _ in range(2)] for p in problems]
    truth = accuracies(majority_curve(seeds, may_stop=False))
    hits = [0, 0, 0]
    for _ in range(150):
        curve = majority_curve(rng.sample(seeds, 40), may_stop=False)
        for place, point in enumerate(curve.points):
            hits[place] += point.low <= truth[place] <= point.high
    assert all(0.9 <= count / 150 <= 0.995 for count in hits)


@pytest.mark.parametrize("n", [1, 5, 8])
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(n):
    for right, k in itertools.product(range(n + 1), range(1, n + 1)):
        chosen = list(itertools.combinations([1] * right + [0] * (n - right), k))
        assert pass_at_k(n, right, k) == pytest.approx(np.mean([any(c) for c in chosen]))


def test_pass_at_k_is_without_bias():
    rng = np.random.default_rng(6)
    right = rng.binomial(16, 0.2, 20000)
    for k in (1, 4, 16):
        assert pass_at_k(16, right, k).mean() == pytest.approx(1 - 0.8**k, abs=0.01)


def test_the_pass_curve_of_complete_pools_is_pass_at_k():
    curve = pass_curve([[pool("AB-C")], [pool("BBBB")]], may_stop=False)
    assert accuracies(curve) == pytest.approx([0.125, 0.25, 0.375, 0.5])
    assert curve.estimator == "subsets"


def test_the_pass_curve_of_a_run_that_may_stop_ends_where_every_pool_does_and_has_no_bias():
    orders = [[stopped("".join(order))] for order in itertools.permutations("ABBBC")]
    curve = pass_curve(orders, may_stop=True)
    assert accuracies(curve) == pytest.approx([float(pass_at_k(5, 1, k)) for k in (1, 2, 3)])
    assert len(pass_curve([[pool("ABCD")]], may_stop=True).points) == 3
    assert pass_curve([[VotePool(4, {1: None}, RIGHT)]], may_stop=True).points == []


def test_a_right_answer_without_weight_counts_for_pass_at_k_only():
    row = [[pool([Vote("A", 0.0), Vote("B")])]]
    assert accuracies(pass_curve(row, may_stop=False)) == [0.5, 1]
    assert accuracies(majority_curve(row, may_stop=False)) == [0, 0]


@pytest.mark.parametrize("problems", [[], [[]], [[pool("A")], [pool("AB")]]])
def test_pools_that_make_no_curve_are_refused(problems):
    with pytest.raises(ValueError, match=r"needs problems|differ in how many"):
        majority_curve(problems, may_stop=False)


def test_a_trace_beyond_n_is_refused():
    with pytest.raises(ValueError, match="trace 3 of 3"):
        VotePool(3, {3: None}, RIGHT)
