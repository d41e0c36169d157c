"""Build the tool-integrated samples.

python -m stages.tir_data --clean data/clean --collected data/collected --out data/tir
"""

import asyncio
import dataclasses

from numina import settings
from numina.corpus.tora import tir_samples
from numina.records import read_jsonl, read_problems, write_json, write_rows
from numina.sources.family import Step


def main() -> None:
    args = settings.paths(__doc__, "clean", "collected", "out")
    params = settings.load()
    teacher = {
        row["id"]: [Step(**step) for step in row["steps"]]
        for row in read_jsonl(args.collected / "steps.jsonl")
    }
    problems = read_problems(args.clean / "problems.jsonl")
    made = tir_samples(problems, teacher, params.tir_data, params.sandbox)
    samples, rounds, layers = asyncio.run(made)
    if not samples:
        raise settings.UserError(f"{args.clean}: the teacher solved no problem")
    write_rows(args.out / "train.jsonl", samples)
    counts = {str(number): dataclasses.asdict(row) for number, row in enumerate(rounds, 1)}
    write_json(args.out / "rounds.json", counts)
    write_json(args.out / "run.json", {"isolation": layers})
    for number, row in counts.items():
        print(f"round {number}: {row}")
    print(f"{len(samples)} tool-integrated samples")


if __name__ == "__main__":
    settings.run(main)
