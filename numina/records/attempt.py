"""The record of a teacher's attempt at a problem."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One tool-integrated solution that a teacher wrote, with what its programs printed.

    Attributes:
        problem_id: the problem's id.
        part: which part of the problems it belongs to; those of a part are tried together.
        round: from 1; 0 for a solution that the source gave ready-made.
        sample: which of the problem's attempts this is, from 0, over all rounds.
        teacher: who wrote it; ``source`` for a ready-made one.
        text: the solution, programs and outputs included.
        answer: the final answer that it states; "" if it states none.
        verdict: ``right``: its answer is the problem's and its last program worked. ``wrong``: its
            last program worked, but the answer is another. ``failed``: all others.
        end: why it ended, as in `numina.records.trace.Trace`.
        errors: for each program that was run, "" if it worked; ``empty_output``; the name of its
            exception; or what the sandbox stopped it for, such as ``timeout``.
    """

    problem_id: str
    part: int
    round: int
    sample: int
    teacher: str
    text: str
    answer: str
    verdict: str
    end: str
    errors: list[str]

    @property
    def recovered(self) -> bool:
        """Whether a program failed and a later one mended it."""
        return any(self.errors) and not self.errors[-1]
