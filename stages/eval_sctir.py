"""Solve every validation problem by SC-TIR, with every seed, and keep all traces.

    python -m stages.eval_sctir --model models/quantised --validation data/validation \
        --rules data/answer_rules.json --out eval/sctir

A killed run continues where it stopped: finished traces are in a journal under ~/.cache/numina,
which is removed once the verdicts are written.
"""

import time
from dataclasses import asdict

from numina import entry, settings
from numina.engine.choose import chosen
from numina.machine import machine
from numina.resume import resume_folder
from numina.rows import read_splits, write_json, write_rows
from numina.sctir.journal import Journal
from numina.sctir.splits import solve_splits
from numina.validation.rules import read_rules

SECTIONS = ("sctir", "engine", "sandbox", "template", "time_bank")


def main() -> str:
    args = entry.paths(__doc__, "model", "validation", "rules", "out")
    params = settings.load(*SECTIONS, "base_model", "hardware")
    settings.check_fits(args.model)
    splits = read_splits(args.validation)
    rules = read_rules(args.rules, splits)
    problems = [asdict(problem) for rows in splits.values() for problem in rows]
    knobs = params.model_dump(mode="json", include=set(SECTIONS))
    rests_on = [knobs, {name: rule.model_dump() for name, rule in rules.items()}, problems]
    started = time.monotonic()
    folder = resume_folder("journals", args.model, rests_on, params.hardware.cache)
    with Journal(folder / "traces.jsonl") as journal:
        solved, layers = solve_splits(params, args.model, splits, rules, journal)
        for (name, seed), verdicts in solved.items():
            write_rows(args.out / name / f"seed_{seed}.jsonl", verdicts)
        run = {
            "model": str(args.model),
            "base_model": params.base_model.name,
            "engine": chosen(params.engine),
            **params.sctir.model_dump(mode="json"),
            "seconds": round(time.monotonic() - started, 1),
            "isolation": layers,
            "machine": machine(),
        }
        write_json(args.out / "run.json", run)
        journal.remove()
    verdicts = [verdict for rows in solved.values() for verdict in rows]
    traces = sum(len(verdict.traces) for verdict in verdicts)
    return f"{len(verdicts)} votes from {traces} traces in {run['seconds']:.0f} s"


if __name__ == "__main__":
    entry.run(main)
