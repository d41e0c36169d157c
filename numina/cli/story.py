"""Solve one problem with the loop of the validation stage, and show it to a person."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from numina.agent.open import open_agent, sampled_limits
from numina.agent.trace import Event
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sctir.solve import solve
from numina.sctir.vote import leaders
from numina.settings.params import Params
from numina.terminal import printable, say


async def ask(params: Params, model: Path, text: str, record: Path | None = None) -> Verdict:
    """Answer a problem; print what its traces write, run and vote to standard error at once.

    The engine's completions are written to `record`, also if this is interrupted.

    Raises:
        UserError: the problem is too long, or the model is missing.
    """
    sctir = params.sctir
    problem = Problem(id="problem", problem=text, answer="", source="command line")
    limits = sampled_limits(sctir, params.sandbox)
    async with open_agent(params, model, limits, Story().tell, record) as agent:
        agent.check(problem)
        return await solve(agent, problem, sctir.seeds[0], sctir, params.answers.solve)


class Story:
    """Prints the events of a problem's traces, with the traces in flight and the votes."""

    def __init__(self) -> None:
        self.in_flight: set[int] = set()
        self.votes: Counter[str] = Counter()

    def tell(self, event: Event) -> None:
        """Print one event."""
        number = event.index + 1
        if event.kind == "start":
            self.in_flight.add(number)
            tell(f"trace {number} starts; in flight: {numbers(self.in_flight)}")
        elif event.kind == "end":
            self.in_flight.discard(number)
            self.votes[event.text] += 1
            votes = ", ".join(f"{answer} ({count})" for answer, count in self.votes.most_common())
            tell(f"trace {number} ends: {event.text}; in flight: {numbers(self.in_flight)}")
            tell(f"  so far: {votes}")
        elif event.text.strip():
            name = {"text": "writes", "output": "is shown by its program"}[event.kind]
            lines = event.text.strip().replace("\n", "\n    ")
            tell(f"trace {number} {name}:\n    {lines}")


def numbers(traces: set[int]) -> str:
    """Traces by number."""
    return " ".join(map(str, sorted(traces))) or "none"


def tell(text: str) -> None:
    """Print a text without control characters."""
    say(printable(text))


def explain(verdict: Verdict) -> str:
    """The votes, and why the vote was closed."""
    votes = ", ".join(f"{answer}: {weight:g}" for answer, weight in verdict.votes.items())
    reasons = {
        "full": f"all {verdict.n} traces are in",
        "lossless": f"the lead of {verdict.margin:g} exceeds the {verdict.outstanding} votes that "
        "are outstanding, so they cannot change the answer",
        "deadline": f"the time is up, {verdict.outstanding} votes are outstanding",
    }
    why = reasons.get(verdict.stop, f"stopped by the rule {verdict.stop!r}, at its stated risk")
    first = leaders(list(verdict.votes.items()))
    tied = f"; a tie of {' and '.join(first)}, decided by the higher mean log-probability"
    return f"votes: {votes or 'none'}; {why}{tied if len(first) > 1 else ''}"
