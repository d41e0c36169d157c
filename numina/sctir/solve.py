"""Self-consistency with tool-integrated reasoning: up to N traces of a problem, and a vote."""

from __future__ import annotations

import asyncio

from numina.agent.trace import Agent, run_trace
from numina.records.problem import Problem
from numina.records.trace import Trace, Verdict
from numina.sctir.journal import Kept
from numina.sctir.stop import traces_needed
from numina.sctir.vote import margin, tally, weight_of
from numina.settings.decoding import Sctir
from numina.settings.splits import AnswerRule


async def solve(
    agent: Agent,
    problem: Problem,
    seed: int,
    sctir: Sctir,
    rule: AnswerRule,
    journal: Kept | None = None,
    seconds: float | None = None,
    alone: bool = False,
) -> Verdict:
    """Sample up to `sctir.n` traces of one problem and vote.

    No trace waits for another. As many are in flight as could settle the vote (see
    `traces_needed`), or `sctir.at_once` if that is more. If a trace that ended did not help,
    another is started. Once the vote is settled, the traces in flight are cancelled. A problem that
    has the engine for itself also has those in flight that slow the others down little
    (`numina.agent.pace`).

    Args:
        agent: the engine, the sandboxes, the limits of a trace.
        problem: what is asked.
        seed: of the run; it seeds the traces together with the problem's id and their indices.
        sctir: N and the rules.
        rule: what counts as an answer.
        journal: holds the traces that an earlier, killed run finished; each trace that ends is
            written to it before its vote counts.
        seconds: at this deadline the best vote so far stands; None for no deadline.
        alone: no other problem uses the engine.
    """
    clock = asyncio.get_running_loop().time
    started = clock()

    kept = journal.of(problem.id, seed) if journal else []
    finished = [trace for trace in kept if trace.index < sctir.n]
    if finished:  # read what they answer; of a trace that runs here, `admit` does it at its end
        await asyncio.to_thread(tally, finished)
    waiting = sorted(set(range(sctir.n)) - {trace.index for trace in finished}, reverse=True)
    running: set[asyncio.Task[Trace]] = set()
    try:
        while True:
            needed, stop = traces_needed(finished, sctir)
            if needed == 0:
                break
            wanted = agent.pace.room(needed, sctir.n) if alone else needed
            while waiting and len(running) < max(wanted, sctir.at_once):
                trace = run_trace(agent, problem, seed, waiting.pop(), rule)
                running.add(asyncio.create_task(trace))
            left = None if seconds is None else max(0.0, started + seconds - clock())
            done, running = await asyncio.wait(
                running, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                stop = "deadline"
                break
            for trace in sorted((task.result() for task in done), key=lambda trace: trace.index):
                if journal and trace.end != "failed":  # a run that goes on tries it again
                    journal.add(trace)
                finished.append(trace)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    votes = tally(finished, weight_of(sctir))
    return Verdict(
        problem_id=problem.id,
        seed=seed,
        answer=votes[0][0] if votes else None,
        votes=dict(votes),
        n=sctir.n,
        traces=sorted(finished, key=lambda trace: trace.index),
        stop=stop,
        margin=round(margin(votes), 6),
        outstanding=sctir.n - len(finished),
        cancelled=len(running),
        seconds=round(clock() - started, 3),
    )
