"""Estimates with their uncertainty: an accuracy, its spread over seeds, a paired comparison.

Results come as an array of [problems] or [problems, seeds], 1 for right and 0 for wrong. The
problems are the sample: more seeds of a problem say nothing new about how hard the set is, so every
interval is over problems, after the mean over seeds. All intervals are at 95%.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Graded = NDArray[Any] | Sequence[Any]
Z = 1.959963984540054  # the normal distribution's 97.5% point
RESAMPLES = 5000
FEW = 5  # with fewer right or wrong answers, counted in problems, a bootstrap is too narrow
FEW_PAIRS = 10  # the same for discordant problems


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval.

    Attributes:
        mean: over problems and seeds.
        interval: over problems.
        n: problems.
        method: what gave the interval (see `estimate`).
    """

    mean: float
    interval: Interval
    n: int
    method: Literal["wilson", "bootstrap"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Accuracy by seed: its mean and its standard deviation (0 with one seed).

    It shows how much a rerun on the same problems varies, which no interval over problems shows.
    """

    mean: float
    std: float
    seeds: int


@dataclass(frozen=True, slots=True)
class Paired:
    """Two systems on the same problems.

    Attributes:
        difference: accuracy of the first minus that of the second.
        interval: of the difference, over problems.
        p_value: two-sided, of no difference.
        only_first: problems on which the first did better (of 0/1 results: it alone was right).
        only_second: those on which the second did.
        n: problems.
        test: what gave the p-value (see `paired`).
        method: what gave the interval (see `paired`).
    """

    difference: float
    interval: Interval
    p_value: float
    only_first: int
    only_second: int
    n: int
    test: Literal["mcnemar", "sign_flip"]
    method: Literal["bootstrap", "adjusted_wald"]


def estimate(right: Graded, seed: int = 0) -> Estimate:
    """The mean of [problems] or [problems, seeds], with a 95% interval over problems.

    Wilson's interval if every problem's mean is 0 or 1, as with one seed. With means in between,
    the BCa bootstrap over problems. If the right or the wrong answers amount to fewer than 5
    problems, or all means are equal, Wilson's interval on the mean, with n the number of problems:
    a bootstrap of such data is far too narrow, while Wilson's is at worst too wide, as values
    between 0 and 1 with mean p have a variance of at most p (1 - p).

    Raises:
        ValueError: no problems, a value outside of 0 to 1, or another shape.
    """
    values = per_problem(right)
    n, mean = len(values), float(values.mean())
    binary = bool(np.isin(values, (0, 1)).all())
    few = n * min(mean, 1 - mean) < FEW
    if binary or few or np.ptp(values) == 0:
        return Estimate(mean, wilson(mean, n), n, "wilson")
    return Estimate(mean, bootstrap_mean(values, seed), n, "bootstrap")


def over_seeds(right: Graded) -> Spread:
    """Mean and standard deviation (of a sample) of the accuracies of the seeds.

    Args:
        right: [problems, seeds], or [problems] for one seed.

    Raises:
        ValueError: as `estimate`.
    """
    per_problem(right)
    table = np.asarray(right, float)
    seeds = table.reshape(len(table), -1).mean(axis=0)
    std = float(seeds.std(ddof=1)) if len(seeds) > 1 else 0.0
    return Spread(float(seeds.mean()), std, len(seeds))


def paired(first: Graded, second: Graded, seed: int = 0) -> Paired:
    """Compare two systems on the same problems in the same order.

    Their numbers of seeds may differ. The p-value is McNemar's exact one (a binomial test on the
    discordant problems) if the means of every problem differ by 0 or 1. Otherwise it is that of
    the sign-flip permutation test, of which McNemar's is the special case for 0/1. The interval is
    the paired BCa bootstrap's. With fewer than 10 discordant problems, which are too few for it,
    it is the adjusted Wald interval of Bonett and Price (2012, J. Educ. Behav. Stat. 37), which
    adds one discordant problem on each side.

    Raises:
        ValueError: as `estimate`, or the numbers of problems differ.
    """
    from scipy.stats import binomtest

    before, after = per_problem(first), per_problem(second)
    if len(before) != len(after):
        raise ValueError(f"paired: {len(before)} problems against {len(after)}")
    differences = np.round(before - after, 12)  # 2/3 - 2/3 must not count as discordant
    discordant = differences[differences != 0]
    only_first, only_second = int((discordant > 0).sum()), int((discordant < 0).sum())
    test: Literal["mcnemar", "sign_flip"] = "mcnemar"
    if len(discordant) == 0:
        p_value = 1.0
    elif (np.abs(discordant) == 1).all():
        p_value = float(binomtest(only_first, len(discordant)).pvalue)
    else:
        test, p_value = "sign_flip", sign_flip(discordant, seed)
    method: Literal["bootstrap", "adjusted_wald"] = "bootstrap"
    if len(discordant) < FEW_PAIRS or np.ptp(differences) == 0:
        method, interval = "adjusted_wald", adjusted_wald(differences)
    else:
        interval = bootstrap_mean(differences, seed)
    mean = float(differences.mean())
    return Paired(mean, interval, p_value, only_first, only_second, len(differences), test, method)


def sign_flip(differences: NDArray[np.float64], seed: int) -> float:
    """The two-sided p-value of a mean of 0, if each difference had either sign as likely.

    Args:
        differences: that are not 0, at least one.
        seed: of the flips that are drawn where there are too many to try them all.
    """
    from scipy.stats import permutation_test

    if len(differences) == 1:  # both signs are equally far from 0; scipy refuses a single value
        return 1.0
    result = permutation_test(
        (differences,),
        np.sum,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        batch=1000,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def per_problem(right: Graded) -> NDArray[np.float64]:
    """Means over seeds, of shape [problems].

    Raises:
        ValueError: no problems, a value outside of 0 to 1, or another shape.
    """
    table = np.asarray(right, float)
    if table.ndim not in (1, 2) or table.size == 0:
        raise ValueError(f"results must be [problems] or [problems, seeds], got {table.shape}")
    if not ((table >= 0) & (table <= 1)).all():
        raise ValueError("results must lie from 0 to 1")
    return table if table.ndim == 1 else table.mean(axis=1)


def wilson(share: float, n: int) -> Interval:
    """Wilson's score interval (1927) for a share of `n` problems.

    In closed form: SciPy's takes whole counts only, and a mean over seeds is not whole.
    """
    centre = share + Z * Z / (2 * n)
    spread = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    low, high = ((centre + sign * spread) / (1 + Z * Z / n) for sign in (-1, 1))
    return Interval(max(0.0, low), min(1.0, high))


def bootstrap_mean(values: NDArray[np.float64], seed: int) -> Interval:
    """BCa bootstrap interval of the mean of values that are not all equal, of shape [problems]."""
    from scipy.stats import bootstrap

    result = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=1000,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    return Interval(float(result.confidence_interval.low), float(result.confidence_interval.high))


def adjusted_wald(differences: NDArray[np.float64]) -> Interval:
    """Bonett and Price's interval of a mean difference from -1 to 1, of shape [problems]."""
    padded = np.append(differences, (1, -1))
    half = Z * float(padded.std()) / math.sqrt(len(padded))
    mean = float(padded.mean())
    return Interval(max(-1.0, mean - half), min(1.0, mean + half))
