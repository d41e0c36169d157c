"""Decode every validation problem once, greedily, with one of the models.

    python -m stages.eval_greedy --tools true --model models/tir \
        --validation data/validation --rules data/answer_rules.json --out eval/greedy/tir

With `--tools false` the model runs no programs: chain of thought.
"""

import time

from numina import entry, settings
from numina.agent.greedy import Asked, decode_greedily
from numina.agent.open import greedy_limits
from numina.machine import machine
from numina.progress import progress_bar
from numina.rows import read_splits, write_json, write_rows
from numina.validation.rules import read_rules

SECTIONS = ("eval_greedy", "engine", "sandbox", "template", "base_model")


def main() -> str:
    args = entry.paths(__doc__, "tools", "model", "validation", "rules", "out")
    params = settings.load(*SECTIONS, "hardware")
    settings.check_fits(args.model)
    depth = params.eval_greedy.depth if str(args.tools) == "true" else 0
    limits = greedy_limits(params.eval_greedy, params.sandbox, depth)
    splits = read_splits(args.validation)
    rules = read_rules(args.rules, splits)
    asked = [Asked(problem, rules[name]) for name, rows in splits.items() for problem in rows]
    started = time.monotonic()
    with progress_bar(len(asked), "problems") as bar:
        traces, layers = decode_greedily(params, args.model, limits, asked, bar.update)
    ordered = iter(traces)
    for name, rows in splits.items():
        write_rows(args.out / f"{name}.jsonl", [next(ordered) for _ in rows])
    seconds = round(time.monotonic() - started, 1)
    base = params.base_model.name
    run = {"base_model": base, "seconds": seconds, "isolation": layers, "machine": machine()}
    write_json(args.out / "run.json", run)
    answered = sum(trace.answer is not None for trace in traces)
    return f"{len(traces)} traces, {answered} with an answer"


if __name__ == "__main__":
    entry.run(main)
