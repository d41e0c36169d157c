"""Decode every validation problem once, greedily, with one of the systems.

    python -m stages.eval_greedy --system cot --model models/cot \
        --validation data/validation --out eval/greedy/cot

The system `cot` runs no programs; `tir` and `gptq` do.
"""

import asyncio
from pathlib import Path

from numina import entry, settings
from numina.agent.trace import Agent, TraceLimits, prompt_for, run_trace
from numina.engine.choose import open_engine
from numina.machine import machine
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.rows import read_problems, write_json, write_rows
from numina.sandbox.pool import SandboxPool
from numina.settings.params import Params
from numina.settings.splits import AnswerRule
from numina.template import TEMPLATES


async def decode(
    params: Params, model: Path, limits: TraceLimits, splits: dict[str, list[Problem]]
) -> tuple[dict[str, list[Trace]], dict[str, bool]]:
    engine = open_engine(params.engine, model, limits.max_context)
    template = TEMPLATES[params.template.name]
    with progress_bar(sum(map(len, splits.values())), "problems") as bar:
        pool = SandboxPool(params.sandbox)
        async with engine, pool:
            agent = Agent(engine, pool, limits)

            async def solve(problem: Problem, rule: AnswerRule) -> Trace:
                prompt = prompt_for(engine, template, problem, limits.max_context)
                trace = await run_trace(agent, prompt, problem.id, 0, 0, rule)
                bar.update()
                return trace

            rules = {name: params.answers.of(name) for name in splits}
            traces = await asyncio.gather(
                *[solve(problem, rules[name]) for name in splits for problem in splits[name]]
            )
    ordered = iter(traces)
    done = {name: [next(ordered) for _ in problems] for name, problems in splits.items()}
    return done, pool.layers


def main() -> None:
    args = entry.paths(__doc__, "system", "model", "validation", "out")
    params = settings.load()
    greedy = params.eval_greedy
    limits = TraceLimits(
        temperature=0,
        top_p=1,
        max_new_tokens=greedy.max_new_tokens,
        max_context=greedy.max_context,
        depth=0 if str(args.system) == "cot" else greedy.depth,
        output_chars=params.sandbox.output_chars,
    )
    files = sorted(args.validation.glob("*.jsonl"))
    splits = {file.stem: read_problems(file) for file in files}
    done, layers = asyncio.run(decode(params, args.model, limits, splits))
    for name, traces in done.items():
        write_rows(args.out / f"{name}.jsonl", traces)
    write_json(args.out / "run.json", {"isolation": layers, "machine": machine()})


if __name__ == "__main__":
    entry.run(main)
