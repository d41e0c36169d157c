"""What a sample earns, and which groups of samples teach nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.rloo.settings import Rewards
from numina.errors import UserError
from numina.measure.grade import grade
from numina.records.problem import Problem
from numina.records.trace import Trace

PARTS = ("right", "ran", "format")


@dataclass(frozen=True, slots=True)
class Earned:
    """What a sample does well, each from 0 to 1.

    Attributes:
        right: its answer equals that of the problem; 0 if that is undecided.
        ran: its last program ran to its end.
        format: it ended by itself, with an answer in a box.
    """

    right: float
    ran: float
    format: float

    def sum(self, weights: Rewards) -> float:
        """The reward."""
        return sum(getattr(weights, part) * getattr(self, part) for part in PARTS)


def earned(trace: Trace, problem: Problem) -> Earned:
    """Judge a sample by the grader of the report."""
    return Earned(
        right=float(grade(trace.answer, problem.answer) is True),
        ran=float(trace.block_statuses[-1:] == ["ok"]),
        format=float(trace.end == "answer"),
    )


def checked(earned: Earned, weights: Rewards, trace: Trace) -> float:
    """The reward of a sample.

    Raises:
        UserError: it is not a finite number, with the problem, the sample and the parts. TRL would
            leave such a part out and go on.
    """
    reward = earned.sum(weights)
    if not math.isfinite(reward):
        parts = ", ".join(f"{part} {getattr(earned, part)}" for part in PARTS)
        raise UserError(
            f"problem {trace.problem_id}, sample {trace.index}: the reward is {reward} ({parts})"
        )
    return reward


@dataclass(frozen=True, slots=True)
class Groups:
    """The problems of a round, by what their samples earned.

    Attributes:
        mixed: rewards differ.
        right: all samples have the same reward, and are right.
        wrong: the same reward, and all are wrong.
    """

    mixed: int
    right: int
    wrong: int

    @property
    def equal(self) -> int:
        """Problems whose samples all have the same reward."""
        return self.right + self.wrong


def groups(rewards: Sequence[float], right: Sequence[float], samples: int) -> Groups:
    """Count the groups of `samples` neighbours; with rewards equal, all are right or all wrong.

    Args:
        rewards: of all samples, those of a problem next to each other.
        right: whether each is right.
        samples: of a problem.
    """
    found = {"mixed": 0, "right": 0, "wrong": 0}
    for start in range(0, len(rewards), samples):
        same = max(rewards[start : start + samples]) == min(rewards[start : start + samples])
        found["mixed" if not same else "right" if right[start] else "wrong"] += 1
    return Groups(**found)
