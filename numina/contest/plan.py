"""What fits into a contest: seconds a problem, and traces a second as measured on this machine."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from numina.agent.open import open_agent, sampled_limits
from numina.errors import UserError
from numina.sctir.solve import solve
from numina.settings import Params
from numina.settings.contests import ContestRules
from numina.validation.splits import build_split


@dataclass(frozen=True, slots=True)
class Plan:
    """What a contest allows, and what this machine does in that time.

    Attributes:
        problems: of the contest.
        budget_s: for all of them.
        load_s: until the model was loaded here.
        problem_s: an equal share of what is left then.
        most_s: the most for one problem, from the bank.
        n: traces a problem at most, `sctir.n`.
        measured_problems, measured_s: how many problems were solved here to measure, and how long.
        traces_a_second, tokens_a_second: measured with n traces of a problem side by side.
        traces_that_fit: of a problem in `problem_s`, at that pace.
    """

    problems: int
    budget_s: float
    load_s: float
    problem_s: float
    most_s: float
    n: int
    measured_problems: int
    measured_s: float
    traces_a_second: float
    tokens_a_second: float
    traces_that_fit: int

    def lines(self) -> list[str]:
        """The plan in words."""
        fits = "fit" if self.traces_that_fit >= self.n else "do not fit"
        return [
            f"{self.problems} problems in {self.budget_s:.0f} s: {self.problem_s:.0f} s each, the "
            f"model loaded in {self.load_s:.0f} s; at most {self.most_s:.0f} s for one",
            f"measured on {self.measured_problems} embedded problems in {self.measured_s:.0f} s: "
            f"{self.traces_a_second:.3g} traces and {self.tokens_a_second:.0f} tokens a second",
            f"{self.traces_that_fit} traces take {self.problem_s:.0f} s: the {self.n} of sctir.n "
            f"{fits} (votes that settle early take fewer)",
        ]


def plan(params: Params, model: Path, rules: ContestRules, seconds: float) -> Plan:
    """Measure for some seconds how many traces this machine finishes, and say what fits.

    Args:
        params: the knobs of the contest's run.
        model: a folder with a model.
        rules: of the contest.
        seconds: to measure for.

    Raises:
        UserError: the model is not there, or no trace finished in that time.
    """
    return asyncio.run(measure(params, model, rules, seconds))


async def measure(params: Params, model: Path, rules: ContestRules, seconds: float) -> Plan:
    """As `plan`."""
    sctir = params.sctir.model_copy(update={"stop": "none"})
    rows = build_split("mini_aime", params.splits["mini_aime"], params.validation_sets.seed)
    traces = tokens = problems = 0
    began = time.monotonic()
    async with open_agent(params, model, sampled_limits(sctir, params.sandbox)) as agent:
        started = time.monotonic()
        for row in rows:
            left = seconds - (time.monotonic() - started)
            if left <= 0:
                break
            verdict = await solve(agent, row, sctir.seeds[0], sctir, rules.answer, None, left)
            traces += len(verdict.traces)
            tokens += sum(trace.generated_tokens for trace in verdict.traces)
            problems += 1
        measured = time.monotonic() - started
    if not traces:
        raise UserError(f"--seconds: no trace finished within {seconds:g} s; measure for longer")
    budget, load = params.time_bank.budget_s or rules.budget_s, started - began
    share = max(0.0, budget - load) / rules.problems
    caps = [cap for cap in (params.time_bank.most_s, rules.reply_s, budget - load) if cap > 0]
    return Plan(
        problems=rules.problems,
        budget_s=budget,
        load_s=round(load, 1),
        problem_s=round(share, 1),
        most_s=round(min(caps, default=0.0), 1),
        n=sctir.n,
        measured_problems=problems,
        measured_s=round(measured, 1),
        traces_a_second=round(traces / measured, 4),
        tokens_a_second=round(tokens / measured, 1),
        traces_that_fit=int(share * traces / measured),
    )
