"""Build the tool-integrated samples.

python -m stages.tir_data --clean data/clean --collected data/collected --out data/tir
"""

import asyncio
import dataclasses

from numina import entry, settings
from numina.corpus.tora import tir_samples
from numina.errors import UserError
from numina.records.dropped import by_rule
from numina.rows import read_problems, read_records, write_json, write_rows
from numina.sources.family import Worked


def main() -> str:
    args = entry.paths(__doc__, "clean", "collected", "out")
    params = settings.load("tir_data", "sandbox", "hardware")
    steps = args.collected / "steps.jsonl"
    teacher = {worked.id: list(worked.steps) for _, worked in read_records(steps, Worked)}
    problems = read_problems(args.clean / "problems.jsonl")
    attempts = tir_samples(
        problems, teacher, params.tir_data, params.sandbox, params.hardware.sandbox
    )
    made = asyncio.run(attempts)
    if not made.samples:
        raise UserError(
            f"{args.clean}: the teacher solved no problem; left out: {by_rule(made.dropped)}"
        )
    write_rows(args.out / "train.jsonl", made.samples)
    write_rows(args.out / "dropped.jsonl", made.dropped)
    counts = {str(number): dataclasses.asdict(row) for number, row in enumerate(made.rounds, 1)}
    write_json(args.out / "rounds.json", counts)
    write_json(args.out / "run.json", {"isolation": made.layers})
    right = ", ".join(f"{row.correct} of {row.attempts}" for row in made.rounds)
    found = f"{len(made.samples)} tool-integrated samples; right in each round: {right}"
    return f"{found}; left out: {by_rule(made.dropped)}"


if __name__ == "__main__":
    entry.run(main)
