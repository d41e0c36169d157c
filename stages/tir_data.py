"""Let teachers attempt problems with tool-integrated solutions, in rounds; keep all attempts.

python -m stages.tir_data --clean data/clean --collected data/collected --out data/attempts
"""

import asyncio
import dataclasses

from numina import entry, settings
from numina.corpus.finished import FILES, FinishedParts
from numina.corpus.shelves import lasting
from numina.corpus.sifted import sifted_rows
from numina.corpus.tora import attempts
from numina.corpus.yields import yields
from numina.errors import UserError
from numina.records.attempt import Attempt
from numina.resume import stage_folder
from numina.rows import StoredProblems, read_records, write_csv, write_json, written_shards
from numina.sources.family import Worked


def main() -> str:
    args = entry.paths(__doc__, "clean", "collected", "out")
    params = settings.load("tir_data", "teacher", "sandbox", "hardware")
    stored = args.collected / "steps.jsonl"
    steps = {worked.id: list(worked.steps) for _, worked in read_records(stored, Worked)}
    problems = StoredProblems(args.clean / "problems")
    given = [getattr(params, name).model_dump() for name in ("tir_data", "teacher", "sandbox")]
    inputs = args.clean / "problems", stored
    work = stage_folder("tir_data", given, inputs, params.hardware.cache)
    with (
        lasting(work, FILES) as folder,
        sifted_rows(args.out, "problems") as rows,
        written_shards(args.out / "attempts", Attempt) as write,
    ):
        finished = FinishedParts(folder)
        made = asyncio.run(attempts(problems, steps, params, rows, write, finished))
        if not rows.kept:
            raise UserError(f"{args.clean}: no problem can be tried; left out: {rows.left_out}")
    counts = {str(number): dataclasses.asdict(row) for number, row in enumerate(made.rounds, 1)}
    write_json(args.out / "rounds.json", counts)
    table = yields(made.rounds)
    write_csv(args.out / "rounds.csv", list(table[0]) if table else ["round"], table)
    write_json(args.out / "run.json", {"isolation": made.layers})
    right = ", ".join(f"{row.correct} of {row.attempts}" for row in made.rounds) or "none asked"
    ready = f"; {made.ready} ready-made" if made.ready else ""
    return (
        f"{rows.kept} problems tried; right in each round: {right}{ready}; "
        f"left out: {rows.left_out}"
    )


if __name__ == "__main__":
    entry.run(main)
