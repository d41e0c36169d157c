"""Decode every validation problem once, greedily, with one of the models.

    python -m stages.eval_greedy --tools true --model models/tir \
        --validation data/validation --rules data/answer_rules.json --out eval/greedy/tir

With `--tools false` the model runs no programs: chain of thought.
"""

import asyncio
import time
from pathlib import Path

from numina import entry, settings
from numina.agent.open import greedy_limits, open_agent
from numina.agent.trace import TraceLimits, run_trace
from numina.machine import machine
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.rows import read_splits, write_json, write_rows
from numina.settings import Params
from numina.settings.splits import AnswerRule
from numina.validation.rules import read_rules

SECTIONS = ("eval_greedy", "engine", "sandbox", "template", "base_model")


async def decode(
    params: Params,
    model: Path,
    limits: TraceLimits,
    splits: dict[str, list[Problem]],
    rules: dict[str, AnswerRule],
) -> tuple[dict[str, list[Trace]], dict[str, bool]]:
    with progress_bar(sum(map(len, splits.values())), "problems") as bar:
        async with open_agent(params, model, limits) as agent:

            async def attempt(problem: Problem, rule: AnswerRule) -> Trace:
                trace = await run_trace(agent, problem, 0, 0, rule)
                bar.update()
                return trace

            traces = await asyncio.gather(
                *[attempt(problem, rules[name]) for name in splits for problem in splits[name]]
            )
    ordered = iter(traces)
    done = {name: [next(ordered) for _ in problems] for name, problems in splits.items()}
    return done, dict(agent.layers)


def main() -> str:
    args = entry.paths(__doc__, "tools", "model", "validation", "rules", "out")
    params = settings.load(*SECTIONS, "hardware")
    settings.check_fits(args.model)
    depth = params.eval_greedy.depth if str(args.tools) == "true" else 0
    limits = greedy_limits(params.eval_greedy, params.sandbox, depth)
    splits = read_splits(args.validation)
    rules = read_rules(args.rules, splits)
    started = time.monotonic()
    done, layers = asyncio.run(decode(params, args.model, limits, splits, rules))
    for name, traces in done.items():
        write_rows(args.out / f"{name}.jsonl", traces)
    seconds = round(time.monotonic() - started, 1)
    base = params.base_model.name
    run = {"base_model": base, "seconds": seconds, "isolation": layers, "machine": machine()}
    write_json(args.out / "run.json", run)
    traces = [trace for rows in done.values() for trace in rows]
    answered = sum(trace.answer is not None for trace in traces)
    return f"{len(traces)} traces, {answered} with an answer"


if __name__ == "__main__":
    entry.run(main)
