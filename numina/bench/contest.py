"""The time bank against a fixed loop: how much a contest's score depends on the problems' order.

A simulation of the prize's contest, in simulated time: 50 problems, easy and hard in random order,
9 hours. The problems are invented (`KINDS`); every order gets the same traces, so that scores
differ only by the order. Three ways: `fixed`, which spends time as the winners' loop did: all N
traces of each problem to the end, and no answer once the time is up; `stop`, the same with our
lossless stop; and `bank`, with the time bank too: at a deadline the best vote so far counts.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from dataclasses import dataclass
from typing import Any

from numina.agent.open import sampled_limits
from numina.agent.trace import Agent, step_seed
from numina.bench.recorded import RecordedPool
from numina.bench.simulated_time import SimulatedLoop
from numina.engine.protocol import Completion
from numina.engine.replay import Recorded, ReplayEngine
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.sctir.clock import Clock
from numina.sctir.solve import solve
from numina.settings.decoding import TimeBank
from numina.settings.params import Params
from numina.template import Template

N, SEED = 16, 1
PROBLEMS, BUDGET_S = 50, 9 * 3600  # of the first AIMO


@dataclass(frozen=True)
class Kind:
    """Problems of one difficulty.

    Attributes:
        share: of all problems.
        right: probability that a trace finds the answer; wrong traces spread over ten others.
        median_s: median seconds of a trace; they are lognormal with sigma 0.5.
    """

    share: float
    right: float
    median_s: float


KINDS = (Kind(0.5, 0.8, 200), Kind(0.3, 0.4, 500), Kind(0.2, 0.1, 1000))
NO_PROMPT = Template("")
GOLD = "0"


Contest = list[tuple[str, list[Recorded]]]  # problems' names with their traces


def draw(rng: random.Random) -> Contest:
    """The problems of a contest."""
    kinds = rng.choices(KINDS, [kind.share for kind in KINDS], k=PROBLEMS)
    problems = []
    for number, kind in enumerate(kinds):
        traces = []
        for index in range(N):
            seconds = kind.median_s * rng.lognormvariate(0, 0.5)
            answer = GOLD if rng.random() < kind.right else str(rng.randrange(1, 11))
            completion = Completion(f"\\boxed{{{answer}}}", "end", 0, round(seconds), -1.0)
            seed = step_seed(SEED, str(number), index, 0)
            traces.append(Recorded(seed, seconds, completion))
        problems.append((str(number), traces))
    return problems


async def score(params: Params, problems: Contest, way: str) -> int:
    """Right answers when the problems come in this order."""
    stop = "none" if way == "fixed" else "lossless"
    sctir = params.sctir.model_copy(update={"n": N, "stop": stop, "at_once": N, "vote": "uniform"})
    limits, rule = sampled_limits(sctir, params.sandbox), params.contests.aimo.answer
    loop = asyncio.get_running_loop()
    bank = TimeBank(budget_s=BUDGET_S, base_s=0, most_s=0)
    clock, end, right = Clock(bank, len(problems), loop.time), loop.time() + BUDGET_S, 0
    for name, traces in problems:
        agent = Agent(ReplayEngine(traces), RecordedPool({}, 1), NO_PROMPT, limits)
        seconds = clock.allot() if way == "bank" else None
        verdict = await solve(agent, Problem(name, "", "", ""), SEED, sctir, rule, None, seconds)
        right += verdict.answer == GOLD and loop.time() <= end
    return right


def bench(params: Params, orders: int = 100) -> dict[str, Any]:
    """Play one contest in many orders, in each of the three ways."""
    rng = random.Random(SEED)
    problems = draw(rng)
    scores: dict[str, list[int]] = {"fixed": [], "stop": [], "bank": []}
    with progress_bar(orders, "orders") as bar:
        for _ in range(orders):
            order = rng.sample(problems, len(problems))
            for way, row in scores.items():
                with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
                    row.append(runner.run(score(params, order, way)))
            bar.update()
    longest = [max(trace.seconds for trace in traces) for _, traces in problems]
    return {
        "work": {
            "problems": PROBLEMS,
            "n": N,
            "orders": orders,
            "needed_over_budget": round(sum(longest) / BUDGET_S, 2),
        },
        **{
            way: {
                "score_mean": round(statistics.mean(row), 2),
                "score_std": round(statistics.stdev(row), 2),
                "least": min(row),
                "most": max(row),
            }
            for way, row in scores.items()
        },
    }
