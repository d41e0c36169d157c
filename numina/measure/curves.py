"""Accuracy against the number of traces: maj@k and pass@k from the pools that a run left.

A run may have stopped early, and whether it did depends on the order in which its traces answered:
with the votes A A A B, the orders that have B last stop after three. So the estimator is chosen by
the run, not by the pool. Two estimators are unbiased:

subsets: the mean over all subsets of size k of a pool. Only for runs that could not stop early: in
    an early-stopping run, the pools that happen to be complete are selected by the order of their
    votes.
prefix: the first k traces by index. In an early-stopping run the result is known for more k than
    were run. Proof: let the first m be finished and the leader's margin exceed the N - m votes
    outstanding, each weighing 1 at most; then for every k from m to N the k - m further votes are
    fewer than the margin, so the leader at m leads at k.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from numina.measure.stats import estimate

ALL_SUBSETS_UP_TO = 12  # traces; larger pools are sampled
DRAWS = 256  # subsets of each size drawn from a larger pool, at least

Floats = NDArray[np.float64]
Estimator = Literal["subsets", "prefix"]


@dataclass(frozen=True, slots=True)
class Vote:
    """A trace's vote.

    Attributes:
        answer: one text for all equal answers. Among answers that tie in weight and in mean
            log-probability, the first text in order wins, as in `numina.sctir.vote.tally`.
        weight: from 0 to 1; 0 counts as no vote.
        logprob: among answers that tie in weight, the one with the highest mean wins.
    """

    answer: str
    weight: float = 1.0
    logprob: float = 0.0


@dataclass(frozen=True, slots=True)
class VotePool:
    """The traces of one problem with one seed.

    Attributes:
        n: traces of the full vote.
        votes: of the traces that ran to their end, by index from 0; None for no vote.
        right: the answers that are right.
    """

    n: int
    votes: Mapping[int, Vote | None]
    right: frozenset[str]

    def __post_init__(self) -> None:
        outside = [index for index in self.votes if not 0 <= index < self.n]
        if outside:
            raise ValueError(f"pool: trace {outside[0]} of {self.n}")

    @property
    def complete(self) -> bool:
        return len(self.votes) == self.n

    @property
    def prefix(self) -> int:
        """How many traces there are before the first that is missing."""
        return next((index for index in range(self.n) if index not in self.votes), self.n)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy with k traces.

    Attributes:
        k: traces.
        accuracy: mean over problems and seeds.
        low, high: the 95% interval over problems, as of `numina.measure.stats.estimate`.
        guessed: pools whose first k traces do not settle the result, as one of them was cancelled
            or cut off by a deadline; the first k that did finish are used. 0: unbiased.
    """

    k: int
    accuracy: float
    low: float
    high: float
    guessed: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve over k.

    Attributes:
        points: by k, from 1.
        estimator: see above.
        draws: subsets of each size drawn from a pool; 0 if nothing was drawn.
    """

    points: list[CurvePoint]
    estimator: Estimator
    draws: int = 0


def majority_curve(problems: Sequence[Sequence[VotePool]], may_stop: bool, seed: int = 0) -> Curve:
    """maj@k for all k up to N: how often the vote of k traces is right.

    Args:
        problems: for each problem its pools, one for each seed; all have the same N.
        may_stop: whether the run could stop a problem before N traces, even if it never did.
        seed: of the subsets drawn from pools of more than 12 traces, and of the bootstrap. The
            Monte-Carlo error of a point is at most 0.5 / sqrt(256 x pools); k = 1 and k = N are
            exact.

    Raises:
        ValueError: no problems, a problem without pools, or pools that differ in N.
    """
    n = common_n(problems)
    pools = [pool for row in problems for pool in row]
    if may_stop or not all(pool.complete for pool in pools):
        found = [first_k(pool) for pool in pools]
        right = np.array([row for row, _ in found])
        guessed = np.sum([~sure for _, sure in found], axis=0)
        return Curve(points_of(problems, right, guessed, seed), "prefix")
    right = np.array([subsets(pool, [seed, place]) for place, pool in enumerate(pools)])
    draws = 0 if n <= ALL_SUBSETS_UP_TO else rotations(n) * n
    return Curve(points_of(problems, right, np.zeros(n), seed), "subsets", draws)


def pass_curve(problems: Sequence[Sequence[VotePool]], may_stop: bool, seed: int = 0) -> Curve:
    """pass@k: how often at least one of k traces is right, for all k for which it is known.

    For complete pools of a run that could not stop early it is `pass_at_k`, up to N. Otherwise the
    first k traces are taken, up to the length of the shortest pool. For a run that could stop, k
    goes up to N // 2 + 1 at most, which the lossless rule with equal weights always reaches: pools
    that are all longer than that are so because their votes disagree. (With the rules `beta` and
    `esc` this is also true of the shortest pool's length.)

    Args, Raises: as `majority_curve`. If the shortest pool is empty, the curve has no points.
    """
    n = common_n(problems)
    pools = [pool for row in problems for pool in row]
    if may_stop or not all(pool.complete for pool in pools):
        length = min(pool.prefix for pool in pools)
        if may_stop:
            length = min(length, n // 2 + 1)
        right = np.array(
            [
                np.maximum.accumulate([float(is_right(pool, index)) for index in range(length)])
                for pool in pools
            ]
        )
        return Curve(points_of(problems, right, np.zeros(length), seed), "prefix")
    counts = np.array([[sum(is_right(pool, i) for i in range(n))] for pool in pools])
    right = pass_at_k(n, counts, np.arange(1, n + 1))
    return Curve(points_of(problems, right, np.zeros(n), seed), "subsets")


def pass_at_k(n: Any, right: Any, k: Any) -> Any:
    """1 - C(n - right, k) / C(n, k), by broadcasting: the unbiased pass@k of Chen et al. 2021.

    https://arxiv.org/abs/2107.03374. It is the probability that k of the n traces, drawn without
    replacement, include a right one.
    """
    from scipy.stats import hypergeom

    return hypergeom.sf(0, n, right, k)


def common_n(problems: Sequence[Sequence[VotePool]]) -> int:
    """The N of all pools.

    Raises:
        ValueError: there are no problems, one has no pools, or N differs.
    """
    if not problems or not all(problems):
        raise ValueError("a curve needs problems, each with a pool for each seed")
    sizes = sorted({pool.n for row in problems for pool in row})
    if len(sizes) > 1:
        raise ValueError(f"pools differ in how many traces a full vote has: {sizes}")
    return sizes[0]


def points_of(
    problems: Sequence[Sequence[VotePool]], right: Floats, guessed: NDArray[Any], seed: int
) -> list[CurvePoint]:
    """Points from `right`, [pools, k], after the mean over the pools of a problem."""
    ends = np.cumsum([len(row) for row in problems])
    by_problem = [rows.mean(axis=0) for rows in np.split(right, ends[:-1])]
    points = []
    # Rounded: otherwise a mean of thirds may differ from 1 in the last place of a float.
    for k, values in enumerate(np.round(np.array(by_problem).T, 12), 1):
        found = estimate(values, seed)
        low, high = found.interval.low, found.interval.high
        points.append(CurvePoint(k, found.mean, low, high, int(guessed[k - 1])))
    return points


def is_right(pool: VotePool, index: int) -> bool:
    """Whether a trace that was run has a right answer, whatever its vote weighs."""
    vote = pool.votes[index]
    return vote is not None and vote.answer in pool.right


@dataclass(frozen=True, slots=True)
class Ballot:
    """Votes as an array.

    Attributes:
        votes: of shape [3, traces, answers]: weight, log-probability and 1, in a trace's row at
            its own answer; 0 elsewhere. Answers are in the order of their texts.
        right: of shape [answers].
    """

    votes: Floats
    right: NDArray[np.bool_]


def ballot_of(pool: VotePool, indices: Sequence[int]) -> Ballot:
    """The votes of these traces, in this order; a trace that is missing gives none."""
    votes = [pool.votes.get(index) for index in indices]
    cast = [(row, vote) for row, vote in enumerate(votes) if vote and vote.weight > 0]
    answers = sorted({vote.answer for _, vote in cast})
    table = np.zeros((3, len(votes), len(answers)))
    for row, vote in cast:
        table[:, row, answers.index(vote.answer)] = vote.weight, vote.logprob, 1
    return Ballot(table, np.array([answer in pool.right for answer in answers], bool))


def leads_right(sums: Floats, right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the winner is right, for votes added up over traces: [3, ..., answers] to [...].

    Rounded as a share of the leader's weight, so that a tie does not depend on the order in which
    floats were added.
    """
    if not right.any():
        return np.zeros(sums.shape[1:-1], bool)
    most = sums[0].max(axis=-1, keepdims=True)
    weight = np.round(sums[0] / np.where(most > 0, most, 1), 9)
    mean = np.round(sums[1] / np.maximum(sums[2], 1), 9)
    leader = np.argmax(np.where(weight == 1, mean, -np.inf), axis=-1)
    return right[leader] & (most[..., 0] > 0)


def subsets(pool: VotePool, seed: Sequence[int]) -> Floats:
    """The share of subsets of size 1 to N of a complete pool whose vote is right, [N].

    Up to 12 traces, all subsets are counted. For more, random orders are drawn and each is read as
    a ring from every starting point: any k traces in a row are a random subset, and every trace
    is in equally many of them.
    """
    n, ballot = pool.n, ballot_of(pool, range(pool.n))
    if n <= ALL_SUBSETS_UP_TO:
        chosen = (np.arange(1, 2**n)[:, None] >> np.arange(n)) & 1
        right = leads_right(chosen @ ballot.votes, ballot.right)
        sizes = chosen.sum(axis=1)
        return np.bincount(sizes, right, n + 1)[1:] / np.bincount(sizes, minlength=n + 1)[1:]
    random = np.random.default_rng(seed)
    ring = (np.arange(n)[:, None] + np.arange(n)) % n
    orders = np.concatenate([random.permutation(n)[ring] for _ in range(rotations(n))])
    return leads_right(ballot.votes[:, orders].cumsum(axis=2), ballot.right).mean(axis=0)


def rotations(n: int) -> int:
    """How many random orders of n traces are read from every starting point."""
    return math.ceil(DRAWS / n)


def first_k(pool: VotePool) -> tuple[Floats, NDArray[np.bool_]]:
    """Whether the vote of the first k traces is right, and whether that is certain; each [N].

    It is certain if the traces missing among the first k cannot change the leader of those that
    finished.
    """
    ballot = ballot_of(pool, range(pool.n))
    sums = ballot.votes.cumsum(axis=1)
    right = leads_right(sums, ballot.right)
    missing = np.cumsum([index not in pool.votes for index in range(pool.n)])
    top = np.sort(np.pad(sums[0], ((0, 0), (2, 0))), axis=1)[:, -2:]
    sure = (missing == 0) | (np.round(top[:, 1] - top[:, 0], 9) > missing)
    if sure.all() or not pool.votes:
        return right.astype(float), sure
    finished = ballot_of(pool, sorted(pool.votes))
    stand_in = leads_right(finished.votes.cumsum(axis=1), finished.right)
    last = np.minimum(np.arange(pool.n), len(stand_in) - 1)
    return np.where(sure, right, stand_in[last]).astype(float), sure
