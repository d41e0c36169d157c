"""Estimates worked by hand, and each one's promise checked by simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from numina.measure import stats
from numina.measure.stats import Interval, adjusted_wald, estimate, over_seeds, paired, wilson


@pytest.fixture
def quick(monkeypatch):
    """Fewer resamples, for simulations: what they cost in precision is noise around 95%."""
    monkeypatch.setattr(stats, "RESAMPLES", 400)


def covered(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def test_one_discordant_problem_with_a_mean_over_seeds_is_no_evidence():
    found = paired([[1, 1], [0, 0], [1, 0]], [[1, 1], [0, 0], [1, 1]])
    assert (found.p_value, found.test) == (1.0, "sign_flip")
    assert (found.only_first, found.only_second) == (0, 1)


def test_none_of_twelve_is_up_to_a_quarter():
    found = estimate([0] * 12)
    assert found.method == "wilson"
    assert [round(100 * bound) for bound in (found.interval.low, found.interval.high)] == [0, 24]


@pytest.mark.parametrize(("right", "n"), [(0, 12), (5, 12), (12, 12), (62, 83)])
def test_wilson_is_scipys(right, n):
    theirs = binomtest(right, n).proportion_ci(method="wilson")
    ours = wilson(right / n, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_one_seed_as_a_column_is_one_seed():
    right = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0])
    assert estimate(right[:, None]) == estimate(right)


def test_means_over_seeds_are_bootstrapped_over_problems():
    right = np.array([[1, 0], [1, 1], [0, 0], [0, 1]] * 10)
    found = estimate(right)
    assert (found.mean, found.n, found.method) == (0.5, 40, "bootstrap")
    # Variance 1/8 a problem: half of that of 40 problems which are right or wrong.
    width = found.interval.high - found.interval.low
    assert width == pytest.approx(2 * 1.96 * (0.125 / 40) ** 0.5, rel=0.05)
    assert found == estimate(right, seed=0) != estimate(right, seed=1)


@pytest.mark.parametrize(
    "right",
    [
        np.full((12, 2), [1, 0]),  # all means equal: a bootstrap would have no width
        np.array([[1, 0]] + [[0, 0]] * 30),  # half a problem right: one of [0, 0.05]
    ],
)
def test_where_a_bootstrap_is_too_narrow_wilsons_interval_of_the_mean_stands_in(right):
    found = estimate(right)
    assert found.method == "wilson"
    assert found.interval == wilson(right.mean(), len(right))


@pytest.mark.parametrize(("problems", "seeds"), [(12, 1), (40, 1), (12, 3), (40, 3)])
def test_the_interval_covers_the_truth_in_95_of_100(quick, problems, seeds):
    """Problems drawn with chances of their own, Beta(1, 1.5): 40% are right in the long run."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        chances = rng.beta(1, 1.5, problems)
        hits += covered(estimate(rng.random((problems, seeds)) < chances[:, None]).interval, 0.4)
    assert 0.92 <= hits / 400 <= 0.99


def test_the_spread_over_seeds_is_of_their_accuracies():
    spread = over_seeds([[1, 1], [1, 0], [0, 0], [1, 0]])
    assert (spread.mean, spread.seeds) == (0.5, 2)
    assert spread.std == pytest.approx(np.std([0.75, 0.25], ddof=1))
    assert over_seeds([1, 0]).std == 0


@pytest.mark.parametrize("right", [[], [[]], [2, 0], [[[1]]], [float("nan")]])
def test_what_is_no_table_of_results_is_refused(right):
    with pytest.raises(ValueError, match="results must"):
        estimate(right)


def test_mcnemar_worked_by_hand():
    # 8 against 1: two tails of 9 tosses, 2 * (1 + 9) / 512.
    first = np.array([1] * 8 + [0] + [1] * 20 + [0] * 11)
    second = np.array([0] * 8 + [1] + [1] * 20 + [0] * 11)
    found = paired(first, second)
    assert (found.only_first, found.only_second, found.n) == (8, 1, 40)
    assert (found.p_value, found.test) == (pytest.approx(20 / 512), "mcnemar")
    assert found.difference == pytest.approx(7 / 40)
    back = paired(second, first)
    assert back.difference == -found.difference
    assert back.interval.low == pytest.approx(-found.interval.high, abs=0.01)


def test_systems_that_never_differ_may_differ_a_little():
    found = paired([1, 0, 1] * 4, [[1, 1], [0, 0], [1, 1]] * 4)
    assert (found.difference, found.p_value) == (0, 1)
    assert found.interval.low == -found.interval.high < -0.1
    assert paired([1] * 20, [0] * 20).interval.high == 1


def test_the_adjusted_interval_is_bonett_and_prices():
    p12, p21, n = (5 + 1) / 52, (2 + 1) / 52, 50  # 5 and 2 discordant problems of 50
    half = 1.959964 * ((p12 + p21 - (p12 - p21) ** 2) / (n + 2)) ** 0.5
    found = adjusted_wald(np.array([1.0] * 5 + [-1.0] * 2 + [0.0] * 43))
    assert found.low == pytest.approx(p12 - p21 - half, abs=1e-6)
    assert found.high == pytest.approx(p12 - p21 + half, abs=1e-6)


def test_equal_means_of_unequal_numbers_of_seeds_are_no_discordance():
    found = paired([[1, 1, 0]], [[1, 1, 0, 1, 0, 1]])
    assert (found.only_first, found.only_second) == (0, 0)


def test_the_sign_flip_test_is_mcnemars_for_right_and_wrong(monkeypatch):
    first = np.array([1.0] * 7 + [0] * 2 + [1] * 5)
    second = np.array([0.0] * 7 + [1] * 2 + [1] * 5)
    halved = paired(first / 2, second / 2)
    assert halved.test == "sign_flip"
    assert halved.p_value == pytest.approx(paired(first, second).p_value)


@pytest.mark.parametrize("seeds", [1, 2])
def test_no_more_than_5_in_100_comparisons_of_equals_are_significant(quick, seeds):
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(400):
        chances = rng.beta(1, 1, (40, 1))
        first, second = (rng.random((2, 40, seeds)) < chances).astype(float)
        found += paired(first, second).p_value <= 0.05
    assert 0.005 <= found / 400 <= 0.07


@pytest.mark.parametrize(("problems", "seeds"), [(12, 1), (60, 1), (40, 2)])
def test_the_interval_of_a_difference_covers_it(quick, problems, seeds):
    """The second system is right wherever the first is, and on a quarter of the rest."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(300):
        first = rng.random((problems, seeds)) < rng.beta(1, 1, (problems, 1))
        second = first | (rng.random((problems, seeds)) < 0.25)
        hits += covered(paired(second, first).interval, 0.125)
    assert hits / 300 >= 0.91  # all of them with 12 problems: one discordant a side is added


def test_other_problems_are_not_compared():
    with pytest.raises(ValueError, match="2 problems against 3"):
        paired([1, 0], [1, 0, 1])
