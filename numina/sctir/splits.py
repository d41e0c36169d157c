"""SC-TIR over whole validation splits, with every seed, all problems side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from numina.agent.open import open_agent, sampled_limits
from numina.agent.trace import Event
from numina.progress import VoteProgress
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sctir.clock import Clock
from numina.sctir.journal import Journal
from numina.sctir.solve import solve
from numina.settings import Params
from numina.settings.splits import AnswerRule

Solved = dict[tuple[str, int], list[Verdict]]  # by split and seed, in the order of the problems


async def solve_splits(
    params: Params,
    model: Path,
    splits: Mapping[str, list[Problem]],
    rules: Mapping[str, AnswerRule],
    journal: Journal,
) -> tuple[Solved, dict[str, bool]]:
    """Verdicts of all problems with all seeds, and the sandboxes' isolation layers.

    Args:
        params: the sections sctir, engine, sandbox, template, time_bank and hardware.
        model: a folder with a model.
        splits: the problems.
        rules: what each split takes for an answer.
        journal: has the traces that an earlier, killed run finished.
    """
    sctir, budget = params.sctir, params.time_bank.budget_s
    runs = [(name, seed) for seed in sctir.seeds for name in splits]
    total = sum(len(splits[name]) for name, _ in runs)
    clock = Clock(params.time_bank, total, time.monotonic)
    progress = VoteProgress(total, sctir.n, clock.banked_s if budget else None)

    def watch(event: Event) -> None:
        if event.kind == "start":
            progress.started()
        elif event.kind == "end":
            progress.trace_ended(event.problem_id, event.seed, event.text)

    # With a budget problems take turns, as deadlines would mean little side by side.
    turns = asyncio.Semaphore(1 if budget else total)
    async with open_agent(params, model, sampled_limits(sctir, params.sandbox), watch) as agent:

        async def answer(problem: Problem, name: str, seed: int) -> Verdict:
            async with turns:
                seconds = clock.allot()
                verdict = await solve(agent, problem, seed, sctir, rules[name], journal, seconds)
            progress.solved(problem.id, seed)
            return verdict

        jobs = [answer(problem, name, seed) for name, seed in runs for problem in splits[name]]
        verdicts = iter(await asyncio.gather(*jobs))
    progress.close()
    solved = {run: [next(verdicts) for _ in splits[run[0]]] for run in runs}
    return solved, dict(agent.layers)
