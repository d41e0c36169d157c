"""Solve scripted problems with a journal, for the test that kills this at random points.

python -m tests.sctir.solving JOURNAL OUT     the verdicts go to OUT
"""

import asyncio
import dataclasses
import json
import random
import sys
from pathlib import Path

from numina.agent.trace import Agent, TraceLimits
from numina.engine.protocol import Completion, Sampling
from numina.records.problem import Problem
from numina.sctir.journal import Journal
from numina.sctir.solve import solve
from numina.settings.splits import AnswerRule
from tests.conftest import changed_params
from tests.sctir.scripted import PLAIN, NoPrograms

SCTIR = changed_params({"sctir.n": 12, "sctir.stop": "none"}).sctir
RULE = AnswerRule(integer=True, modulus=0, lowest=None, highest=None, from_output=False)
LIMITS = TraceLimits(0.8, 1.0, 64, 1000, 1, 200)


class Seeded:
    """Answers by the seed alone, after a little time, and tells each start."""

    def count_tokens(self, text: str) -> int:
        return len(text)

    async def __aenter__(self) -> "Seeded":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        drawn = random.Random(sampling.seed)
        await asyncio.sleep(drawn.uniform(0.01, 0.08))
        print("decoded", sampling.seed, flush=True)
        text = f"\\boxed{{{drawn.choice([3, 3, 3, 5, 8])}}}"
        return Completion(text, "end", 1, 9, -drawn.random())


async def main(journal: Path, out: Path) -> None:
    agent = Agent(Seeded(), NoPrograms(), PLAIN, LIMITS)
    problems = [Problem(f"p{i}", "Q", "", "test") for i in range(4)]
    with Journal(journal) as kept:
        verdicts = await asyncio.gather(
            *[solve(agent, problem, 1, SCTIR, RULE, kept) for problem in problems]
        )
    rows = [
        dataclasses.asdict(verdict) | {"seconds": 0.0, "traces": len(verdict.traces)}
        for verdict in verdicts
    ]
    out.write_text(json.dumps(rows))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
