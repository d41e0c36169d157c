"""Progress of long work, for a person who waits. Nothing here can change a result."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_bar(total: int, what: str) -> tqdm:
    """A progress bar on a terminal, and a line of counts every 20 seconds elsewhere."""
    from tqdm import tqdm

    return tqdm(total=total, desc=what, mininterval=0.5 if os.isatty(2) else 20)


class VoteProgress:
    """The progress of votes in one line: problems done, the votes of the current one, the bank.

    Args:
        problems: how many there are to solve, each seed counted.
        banked_s: seconds in the time bank, where there is one.
    """

    def __init__(self, problems: int, banked_s: Callable[[], float] | None = None) -> None:
        self.bar = progress_bar(problems, "problems")
        self.banked_s = banked_s
        self.votes: dict[tuple[str, int], Counter[str]] = {}
        self.traces = 0

    def trace_ended(self, problem_id: str, seed: int, answer: str) -> None:
        """Take note of the end of a trace, and of its vote."""
        self.traces += 1
        votes = self.votes.setdefault((problem_id, seed), Counter())
        votes[answer] += 1
        leading = " ".join(f"{vote}×{count}" for vote, count in votes.most_common(3))
        bank = f", bank {self.banked_s():.0f} s" if self.banked_s else ""
        line = f"{self.traces} traces, {len(self.votes)} under way, {problem_id}: {leading}{bank}"
        self.bar.set_postfix_str(line, refresh=False)

    def solved(self, problem_id: str, seed: int) -> None:
        """Take note of an answer."""
        self.votes.pop((problem_id, seed), None)
        self.bar.update()

    def close(self) -> None:
        self.bar.close()
