"""The progress of a run in one line: problems done, the votes of the current one, the bank."""

from __future__ import annotations

from collections import Counter

from numina.agent.trace import Event
from numina.progress import progress_bar
from numina.records.trace import Verdict
from numina.sctir.clock import Clock


class ProgressLine:
    """A bar of problems on a terminal, and now and then a line elsewhere. Close it at the end.

    Args:
        problems: how many there are to solve, each seed counted.
        clock: the time bank, where there is one.
    """

    def __init__(self, problems: int, clock: Clock | None = None) -> None:
        self.bar = progress_bar(problems, "problems")
        self.clock = clock
        self.votes: dict[tuple[str, int], Counter[str]] = {}
        self.traces = 0

    def watch(self, event: Event) -> None:
        """Take note of a trace's end."""
        if event.kind == "end":
            self.traces += 1
            key = (event.problem_id, event.seed)
            self.votes.setdefault(key, Counter())[event.text] += 1
            self.show(*key)

    def solved(self, verdict: Verdict) -> None:
        """Take note of an answer."""
        self.votes.pop((verdict.problem_id, verdict.seed), None)
        self.bar.update()

    def show(self, problem_id: str, seed: int) -> None:
        leading = self.votes[problem_id, seed].most_common(3)
        votes = " ".join(f"{answer}×{count}" for answer, count in leading)
        bank = f", bank {self.clock.banked_s():.0f} s" if self.clock else ""
        line = f"{self.traces} traces, {len(self.votes)} under way, {problem_id}: {votes}{bank}"
        self.bar.set_postfix_str(line, refresh=False)

    def close(self) -> None:
        self.bar.close()
