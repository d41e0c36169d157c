"""The record of a labelled sample of the policy."""

from __future__ import annotations

from dataclasses import dataclass

ENDED = ("answer", "no_answer", "not_integer", "out_of_range")  # the model ended the trace itself


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample, labelled by its answer.

    Attributes:
        problem_id, problem, gold: of the problem.
        index: which of the problem's samples this is, from 0.
        text: what the model wrote, and what its programs printed.
        answer: the final answer in it; "" if there is none.
        end: why the trace ended, as in `numina.records.trace.Trace`.
        right: whether the answer equals the gold.
    """

    problem_id: str
    index: int
    problem: str
    gold: str
    text: str
    answer: str
    end: str
    right: bool

    @property
    def ended(self) -> bool:
        """Whether the model wrote its end token."""
        return self.end in ENDED
