"""Solve every validation problem by SC-TIR, with every seed; all traces are kept.

    python -m stages.eval_sctir --model models/gptq --validation data/validation --out eval/sctir

Killed, it goes on where it was: finished traces are in a journal under ~/.cache/numina, which is
removed once the verdicts are written.
"""

import asyncio
import time
from dataclasses import asdict
from pathlib import Path

from numina import entry, settings
from numina.agent.trace import Agent, prompt_for
from numina.engine.choose import open_engine, pick
from numina.machine import machine
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.resume import resume_folder
from numina.rows import read_problems, write_json, write_rows
from numina.sandbox.pool import SandboxPool
from numina.sctir.clock import Clock
from numina.sctir.journal import Journal
from numina.sctir.progress import ProgressLine
from numina.sctir.solve import sctir_limits, solve
from numina.settings.params import Params
from numina.template import TEMPLATES

Splits = dict[str, list[Problem]]


async def decode(
    params: Params, model: Path, splits: Splits, journal: Journal
) -> tuple[dict[tuple[str, int], list[Verdict]], dict[str, bool]]:
    sctir, template = params.sctir, TEMPLATES[params.template.name]
    runs = [(name, seed) for seed in sctir.seeds for name in splits]
    rules = {name: params.answers.of(name) for name in splits}
    total = sum(len(splits[name]) for name, _ in runs)
    engine = open_engine(params.engine, model, sctir.max_context)
    async with engine, SandboxPool(params.sandbox) as pool:
        prompts = {
            problem.id: prompt_for(engine, template, problem, sctir.max_context)
            for problems in splits.values()
            for problem in problems
        }
        clock = Clock(params.time_bank, total, time.monotonic)
        line = ProgressLine(total, clock if params.time_bank.budget_s else None)
        agent = Agent(engine, pool, sctir_limits(sctir, params.sandbox), line.watch)
        # With a budget problems take turns, as deadlines would mean little side by side.
        turns = asyncio.Semaphore(1 if params.time_bank.budget_s else total)

        async def answer(problem: Problem, name: str, seed: int) -> Verdict:
            prompt, rule = prompts[problem.id], rules[name]
            async with turns:
                seconds = clock.allot()
                verdict = await solve(
                    agent, prompt, problem.id, seed, sctir, rule, journal, seconds
                )
            line.solved(verdict)
            return verdict

        jobs = [answer(problem, name, seed) for name, seed in runs for problem in splits[name]]
        verdicts = iter(await asyncio.gather(*jobs))
        line.close()
    return {run: [next(verdicts) for _ in splits[run[0]]] for run in runs}, pool.layers


def main() -> None:
    args = entry.paths(__doc__, "model", "validation", "out")
    params = settings.load()
    files = sorted(args.validation.glob("*.jsonl"))
    splits = {file.stem: read_problems(file) for file in files}
    problems = [asdict(problem) for rows in splits.values() for problem in rows]
    sections = {"template", "sandbox", "engine", "sctir", "answers", "time_bank"}
    rests_on = [params.model_dump(mode="json", include=sections), problems]
    started = time.monotonic()
    with Journal(resume_folder("journals", args.model, rests_on) / "traces.jsonl") as journal:
        solved, layers = asyncio.run(decode(params, args.model, splits, journal))
        for (name, seed), verdicts in solved.items():
            write_rows(args.out / name / f"seed_{seed}.jsonl", verdicts)
        run = {
            "model": str(args.model),
            "engine": pick() if params.engine.name == "auto" else params.engine.name,
            **params.sctir.model_dump(mode="json"),
            "seconds": round(time.monotonic() - started, 1),
            "isolation": layers,
            "machine": machine(),
        }
        write_json(args.out / "run.json", run)
        journal.remove()


if __name__ == "__main__":
    entry.run(main)
