"""Build the tool-integrated samples.

python -m stages.tir_data --clean data/clean --collected data/collected --out data/tir
"""

import asyncio
import dataclasses
from functools import partial

from numina import entry, settings
from numina.corpus.sifted import sifted_rows
from numina.corpus.teacher import served_teacher
from numina.corpus.tora import tir_samples
from numina.errors import UserError
from numina.rows import StoredProblems, read_records, write_json
from numina.sources.family import Worked


def main() -> str:
    args = entry.paths(__doc__, "clean", "collected", "out")
    params = settings.load("tir_data", "teacher", "sandbox", "hardware")
    steps = args.collected / "steps.jsonl"
    teacher = {worked.id: list(worked.steps) for _, worked in read_records(steps, Worked)}
    problems = StoredProblems(args.clean / "problems")
    with sifted_rows(args.out, "train") as rows:
        attempts = tir_samples(
            problems,
            teacher,
            params.tir_data,
            params.sandbox,
            params.hardware.sandbox,
            rows,
            partial(served_teacher, params) if params.tir_data.teacher == "server" else None,
        )
        made = asyncio.run(attempts)
        if not rows.kept:
            raise UserError(
                f"{args.clean}: the teacher solved no problem; left out: {rows.left_out}"
            )
    counts = {str(number): dataclasses.asdict(row) for number, row in enumerate(made.rounds, 1)}
    write_json(args.out / "rounds.json", counts)
    write_json(args.out / "run.json", {"isolation": made.layers})
    right = ", ".join(f"{row.correct} of {row.attempts}" for row in made.rounds) or "none asked"
    ready = f"; {made.ready} ready-made" if made.ready else ""
    found = f"{rows.kept} tool-integrated samples; right in each round: {right}{ready}"
    return f"{found}; left out: {rows.left_out}"


if __name__ == "__main__":
    entry.run(main)
