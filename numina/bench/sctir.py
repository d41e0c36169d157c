"""Our SC-TIR and the winners' loop on the same engine, problems, seeds and number of votes.

First with the embedded model. The notebook's loop and ours take turns, one problem at a time, as
in a contest: ours with all N traces (`full`), with the lossless stop (`ours`), and with the stop
and further traces while they cost the others little (`alone`), as a contest is played. Then our
loop runs with all problems side by side (`together`), as in our validation stage; the notebook
cannot do this. Tokens are all that the engine decoded, those of cancelled traces included.

Then the recording is replayed with its times, in simulated time: thousands of problems, each with
N traces drawn with replacement from the recorded traces of one problem. The engine has N places,
as many as the notebook fills. `together` keeps them full with traces of other problems; `eager`
has one problem at a time, all of its traces at once (`sctir.at_once`), as in a contest.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numina.agent.open import sampled_limits
from numina.agent.trace import Agent, Sandboxes, step_seed
from numina.bench import notebook
from numina.bench.recorded import RecordedPool, RecordingPool, recorded, recording
from numina.bench.simulated_time import SimulatedLoop
from numina.engine.choose import open_engine
from numina.engine.protocol import Completion, Engine
from numina.engine.replay import Recorded, Recorder, ReplayEngine
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sandbox.pool import CORES, SandboxPool
from numina.sctir.solve import solve
from numina.settings.decoding import Sctir
from numina.settings.params import Params
from numina.template import Template, training_template
from numina.validation.splits import build_split

SEED = 1
NO_PROMPT = Template("")
SET = 100  # recorded problems that are side by side


@dataclass
class Measured:
    """The cost of one way for all problems, and its answers."""

    seconds: float = 0.0
    tokens: int = 0
    answers: list[int | None] = field(default_factory=list)

    def add(self, done: Verdict | notebook.Solved, seconds: float | None = None) -> None:
        self.seconds += done.seconds if seconds is None else seconds
        if isinstance(done, notebook.Solved):
            self.tokens += done.tokens
            self.answers.append(done.answer)
        else:
            self.tokens += sum(trace.generated_tokens for trace in done.traces)
            self.answers.append(None if done.answer is None else int(done.answer))

    def summary(self, golds: Sequence[int]) -> dict[str, float]:
        right = sum(answer == gold for answer, gold in zip(self.answers, golds, strict=True))
        return {
            "seconds": round(self.seconds, 1),
            "tokens": self.tokens,
            "right": right,
            "problems": len(golds),
        }

    def changed(self, other: Measured) -> int:
        """How many answers differ from those of the other."""
        return sum(a != b for a, b in zip(self.answers, other.answers, strict=True))


@dataclass(frozen=True)
class Tape:
    """All that was recorded: completions of our full run and the notebook's, by seed; programs."""

    problems: list[Problem]
    ours: dict[int, Recorded]
    theirs: dict[int, Recorded]
    pool: RecordingPool
    executed: dict[str, notebook.Executed]


def ways(sctir: Sctir) -> dict[str, Sctir]:
    """Our loop without a stop, with it, and with it and all traces started at once."""
    return {
        "full": sctir.model_copy(update={"stop": "none"}),
        "ours": sctir.model_copy(update={"stop": "lossless", "at_once": 0}),
        "eager": sctir.model_copy(update={"stop": "lossless", "at_once": sctir.n}),
    }


def bench(params: Params, model: Path, problems: int, n: int, replayed: int) -> dict[str, Any]:
    """Measure both loops.

    Args:
        params: the knobs; the benchmark sets `sctir.n` and the rules of the stop itself.
        model: a folder with a model.
        problems: of the embedded validation splits, spread evenly over both.
        n: traces a problem.
        replayed: problems in the second part.
    """
    sctir = params.sctir.model_copy(update={"n": n, "vote": "uniform", "no_code_weight": 1.0})
    params = params.model_copy(update={"sctir": sctir})
    embedded = [name for name, split in params.splits.items() if split.source == "families"]
    seed = params.validation_sets.seed
    every = [row for name in embedded for row in build_split(name, params.splits[name], seed)]
    chosen = [every[len(every) * place // problems] for place in range(problems)]
    live, tape = asyncio.run(decode(params, model, chosen))
    golds = [int(problem.answer) for problem in chosen]
    played, asked = replay(params, tape, replayed)
    sizes = [int(problem.answer) for problem in asked]
    return {
        "work": {"problems": problems, "n": n, "replayed_problems": replayed},
        **{name: row.summary(golds) for name, row in live.items()},
        **{f"replay_{name}": row.summary(sizes) for name, row in played.items()},
        "ratios": {
            "wall_model": ratio(live["together"].seconds, live["notebook"].seconds),
            "wall_model_in_turn": ratio(live["alone"].seconds, live["notebook"].seconds),
            "wall_replay": ratio(played["together"].seconds, played["notebook"].seconds),
            "wall_replay_in_turn": ratio(played["eager"].seconds, played["notebook"].seconds),
            "tokens_saved": round(1 - live["ours"].tokens / live["full"].tokens, 3),
            "tokens_saved_alone": round(1 - live["alone"].tokens / live["full"].tokens, 3),
            "tokens_saved_replay": round(1 - played["together"].tokens / played["full"].tokens, 3),
            "answers_changed": sum(
                live[name].changed(live["full"]) for name in ("ours", "alone", "together")
            ),
            "answers_changed_replay": played["together"].changed(played["full"])
            + played["eager"].changed(played["full"]),
        },
    }


def ratio(ours: float, theirs: float) -> float:
    """Ours divided by theirs, to three digits after the point."""
    return round(ours / theirs, 3)


async def decode(
    params: Params, model: Path, problems: list[Problem]
) -> tuple[dict[str, Measured], Tape]:
    """The first part: every way on the model, each with an engine whose cache is empty."""
    template = training_template(params.template.name)
    limits = sampled_limits(params.sctir, params.sandbox)
    sctir, rule = ways(params.sctir), params.answers.solve.model_copy(update={"integer": True})
    measured = {name: Measured() for name in ("full", "ours", "alone", "notebook", "together")}
    executed: dict[str, notebook.Executed] = {}

    async def ours(engine: Engine, pool: Sandboxes, problem: Problem, way: str) -> Verdict:
        agent = Agent(engine, pool, template, limits)
        return await solve(agent, problem, SEED, sctir[way], rule)

    async def alone(problem: Problem) -> Verdict:
        return await solve(contestant, problem, SEED, sctir["ours"], rule, alone=True)

    async with contextlib.AsyncExitStack() as opened:
        engines = {}
        for name in measured:
            caching = {"prefix_caching": name != "notebook"}
            settings = params.engine.model_copy(update=caching)
            engine = open_engine(settings, params.hardware, model, limits.max_context)
            engines[name] = await opened.enter_async_context(Recorder(engine))
        sandboxes = SandboxPool(params.sandbox, params.hardware.sandbox)
        pool = await opened.enter_async_context(sandboxes)
        taped = RecordingPool(pool)
        contestant = Agent(engines["alone"], pool, template, limits)  # keeps what it measures
        threads = opened.enter_context(ThreadPoolExecutor(CORES))

        async def run(code: str) -> notebook.Executed:
            job = (notebook.execute, code, params.sandbox.timeout_s)
            return await asyncio.get_running_loop().run_in_executor(threads, *job)

        bar = opened.enter_context(progress_bar(5 * len(problems), "turns"))
        for problem in problems:
            measured["notebook"].add(
                await notebook.solve(
                    engines["notebook"],
                    recording(run, executed),
                    template.render(problem.problem),
                    problem.id,
                    SEED,
                    params.sctir.n,
                    limits,
                )
            )
            bar.update()
            measured["full"].add(await ours(engines["full"], taped, problem, "full"))
            bar.update()
            measured["ours"].add(await ours(engines["ours"], pool, problem, "ours"))
            bar.update()
            measured["alone"].add(await alone(problem))
            bar.update()
        started = time.monotonic()
        jobs = [ours(engines["together"], pool, problem, "ours") for problem in problems]
        for verdict in await asyncio.gather(*jobs):
            measured["together"].add(verdict, 0.0)
            bar.update()
        measured["together"].seconds = time.monotonic() - started
    for name, engine in engines.items():
        measured[name].tokens = getattr(engine.engine, "decoded", measured[name].tokens)
    ours_by_seed = {row.seed: row for row in engines["full"].recorded}
    theirs_by_seed = {row.seed: row for row in engines["notebook"].recorded}
    tape = Tape(problems, ours_by_seed, theirs_by_seed, taped, executed)
    return measured, tape


def replay(params: Params, tape: Tape, count: int) -> tuple[dict[str, Measured], list[Problem]]:
    """The second part, in sets of `SET` problems."""
    rng, n = random.Random(SEED), params.sctir.n
    measured = {name: Measured() for name in ("full", "eager", "together", "notebook")}
    asked = rng.choices(tape.problems, k=count)
    drawn = [rng.choices(range(n), k=n) for _ in asked]
    with (
        asyncio.Runner(loop_factory=SimulatedLoop) as runner,
        progress_bar(count, "recorded problems") as bar,
    ):
        for start in range(0, count, SET):
            numbers = range(start, min(start + SET, count))
            rows = [(str(i), asked[i].id, drawn[i]) for i in numbers]
            runner.run(replay_set(params, tape, rows, measured))
            bar.update(len(rows))
    return measured, asked


async def replay_set(
    params: Params,
    tape: Tape,
    rows: Sequence[tuple[str, str, list[int]]],
    measured: dict[str, Measured],
) -> None:
    """Solve problems, each (name, the recorded problem's id, its traces' indices), every way."""
    sctir, limits = ways(params.sctir), sampled_limits(params.sctir, params.sandbox)
    rule = params.answers.solve.model_copy(update={"integer": True})
    clock, n = asyncio.get_running_loop().time, params.sctir.n
    pool, depth = RecordedPool(tape.pool.results, CORES), limits.depth
    engine = ReplayEngine([r for row in rows for r in redrawn(tape.ours, *row, depth)], places=n)
    agent = Agent(engine, pool, NO_PROMPT, limits)
    for name, _, _ in rows:
        for way in ("full", "eager"):
            measured[way].add(await solve(agent, recorded_problem(name), SEED, sctir[way], rule))
    started = clock()
    jobs = [solve(agent, recorded_problem(name), SEED, sctir["ours"], rule) for name, _, _ in rows]
    for verdict in await asyncio.gather(*jobs):
        measured["together"].add(verdict, 0.0)
    measured["together"].seconds += clock() - started
    theirs = ReplayEngine([r for row in rows for r in redrawn(tape.theirs, *row, depth)], places=n)
    run = recorded(tape.executed, CORES)
    for name, _, _ in rows:
        solved = await notebook.solve(theirs, run, "", name, SEED, n, limits)
        measured["notebook"].add(solved)


def recorded_problem(name: str) -> Problem:
    """A problem that is only a name: a recording does not use the statement."""
    return Problem(id=name, problem="", answer="", source="")


def redrawn(
    rows: dict[int, Recorded], name: str, problem_id: str, drawn: Sequence[int], depth: int
) -> list[Recorded]:
    """The recording of problem `name`, whose trace i is trace `drawn[i]` of a recorded problem.

    A trace whose context was full ended without a further completion. The replay does not count
    tokens as the model does, so it asks for one, and gets an empty one.
    """
    found = []
    for place, index in enumerate(drawn):
        for step in range(depth + 1):
            seed = step_seed(SEED, name, place, step)
            row = rows.get(step_seed(SEED, problem_id, index, step))
            found.append(Recorded(seed, row.seconds, row.completion) if row else cut_off(seed))
    return found


def cut_off(seed: int) -> Recorded:
    """A completion that ends its trace without a token."""
    nothing = Completion("", "length", prompt_tokens=0, generated_tokens=0, logprob_sum=0.0)
    return Recorded(seed, 0.0, nothing)
