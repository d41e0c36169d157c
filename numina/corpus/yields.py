"""How many attempts and problems each round of teaching yields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numina.records.attempt import Attempt


@dataclass(slots=True)
class Round:
    """How one round went.

    Attributes:
        problems: that were tried.
        solved: of them, with at least one right attempt.
        attempts: at them.
        correct, wrong, failed: attempts by their verdict.
    """

    problems: int = 0
    solved: int = 0
    attempts: int = 0
    correct: int = 0
    wrong: int = 0
    failed: int = 0

    def add(self, attempts: Sequence[Attempt]) -> None:
        """Count the attempts at a part of the problems."""
        verdicts = [attempt.verdict for attempt in attempts]
        self.problems += len({a.problem_id for a in attempts})
        self.solved += len({a.problem_id for a in attempts if a.verdict == "right"})
        self.attempts += len(attempts)
        self.correct += verdicts.count("right")
        self.wrong += verdicts.count("wrong")
        self.failed += verdicts.count("failed")


def yields(rounds: Sequence[Round]) -> list[dict[str, float]]:
    """The rows of the plot: by round, the share of attempts that are right, and the share of all
    problems that are solved so far."""
    solved, found = 0, []
    for number, row in enumerate(rounds, 1):
        solved += row.solved
        found.append(
            {
                "round": number,
                "attempts": row.attempts,
                "right": round(row.correct / max(1, row.attempts), 4),
                "solved": round(solved / max(1, rounds[0].problems), 4),
            }
        )
    return found
