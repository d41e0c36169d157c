"""Solve in several processes: problems are shared out, and one journal is kept.

The first process writes the journal, and a trace's vote counts in the process that decoded it only
once the trace is on disk. A problem is solved by one process as it would be by one alone, so with
the same traces the verdicts are the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from numina.agent.processes import First, run_in_processes
from numina.agent.trace import Event
from numina.records.trace import Trace, Verdict
from numina.sctir.clock import Clock
from numina.sctir.jobs import Job, Outcome, solve_jobs
from numina.sctir.journal import Journal
from numina.settings import Params

IF_LOST = "the traces that were finished are kept: run it again to continue"

Finished = Mapping[tuple[str, int], list[Trace]]  # by problem and seed


def solve_in_processes(
    params: Params,
    model: Path,
    jobs: Sequence[Job],
    count: int,
    journal: Journal,
    watch: Callable[[Event], object],
    solved: Callable[[Job], object],
) -> Outcome:
    """Solve jobs in `count` processes.

    Args:
        params, model, jobs, watch, solved: as for `numina.sctir.jobs.solve_jobs`.
        count: of processes, at most the number of jobs.
        journal: is written here alone.

    Raises:
        UserError: what one of them raises, or one of them ended; the traces that were finished are
            in the journal.
    """
    verdicts: dict[int, Verdict] = {}

    def heard(told: Event | Trace | tuple[int, Verdict]) -> None:
        if isinstance(told, Event):
            watch(told)
        elif isinstance(told, Trace):
            journal.add(told)
        else:
            place, verdict = told
            verdicts[place] = verdict
            solved(jobs[place])

    tasks = []
    for first in range(count):
        own = {place: jobs[place] for place in range(first, len(jobs), count)}
        names = [(job.problem.id, job.seed) for job in own.values()]
        tasks.append(partial(solve_own, model, own, {name: journal.of(*name) for name in names}))
    layers = run_in_processes(params, tasks, heard, IF_LOST)
    return Outcome([verdicts[place] for place in range(len(jobs))], layers[0])


class Away:
    """The journal, as a process sees it that does not hold the file.

    Args:
        first: the process that holds it.
        finished: the traces on file.
    """

    def __init__(self, first: First, finished: Finished) -> None:
        self.first, self.finished = first, finished

    def of(self, problem_id: str, seed: int) -> list[Trace]:
        return self.finished.get((problem_id, seed), [])

    def add(self, trace: Trace) -> None:
        """Have a finished trace put on disk, and wait until it is there."""
        self.first.ask(trace)


async def solve_own(
    model: Path, jobs: Mapping[int, Job], finished: Finished, params: Params, first: First
) -> dict[str, bool]:
    """Solve the jobs of one process, by their places; return its sandboxes' isolation layers."""
    places = list(jobs)

    def watch(event: Event) -> None:
        if event.kind in ("start", "end"):
            first.tell(event)

    def solved(number: int, verdict: Verdict) -> None:
        first.tell((places[number], verdict))

    clock, journal = Clock(params.time_bank, len(jobs), time.monotonic), Away(first, finished)
    outcome = await solve_jobs(params, model, list(jobs.values()), journal, watch, solved, clock)
    return outcome.layers
