"""SC-TIR over whole validation splits, with every seed, many problems side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from numina.agent.processes import count_processes
from numina.agent.trace import Event
from numina.progress import VoteProgress
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sctir.clock import Clock
from numina.sctir.jobs import Job, solve_jobs
from numina.sctir.journal import Journal
from numina.sctir.processes import solve_in_processes
from numina.settings import Params
from numina.settings.splits import AnswerRule
from numina.terminal import say

Solved = dict[tuple[str, int], list[Verdict]]  # by split and seed, in the order of the problems


def solve_splits(
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
        rules: what each split accepts as an answer.
        journal: holds the traces that an earlier, killed run finished.

    Raises:
        UserError: the engine or the sandbox cannot be used, or one of several processes ended.
    """
    runs = [(name, seed) for seed in params.sctir.seeds for name in splits]
    jobs = [Job(problem, seed, rules[name]) for name, seed in runs for problem in splits[name]]
    budget, count = params.time_bank.budget_s, count_processes(params, model, len(jobs))
    if budget and params.hardware.solvers > 1:
        say("time_bank.budget_s: problems share it one after another, in one process")
    clock = Clock(params.time_bank, len(jobs), time.monotonic)
    progress = VoteProgress(len(jobs), params.sctir.n, clock.banked_s if budget else None)

    def watch(event: Event) -> None:
        if event.kind == "start":
            progress.started()
        elif event.kind == "end":
            progress.trace_ended(event.problem_id, event.seed, event.text)

    def solved(job: Job) -> None:
        progress.solved(job.problem.id, job.seed)

    if budget or count == 1:
        outcome = asyncio.run(
            solve_jobs(params, model, jobs, journal, watch, lambda at, _: solved(jobs[at]), clock)
        )
    else:
        outcome = solve_in_processes(params, model, jobs, count, journal, watch, solved)
    progress.close()
    verdicts = iter(outcome.verdicts)
    return {run: [next(verdicts) for _ in splits[run[0]]] for run in runs}, outcome.layers
