"""Bring every source into one table.

python -m stages.collect --digitized data/digitized --out data/collected
"""

from numina import entry, settings
from numina.corpus.collect import collect, files_of_sources
from numina.corpus.sifted import sifted_rows
from numina.resume import stage_folder
from numina.rows import write_rows
from numina.sources.catalog import training_problems


def main() -> str:
    args = entry.paths(__doc__, "digitized", "out")
    loaded = settings.load("collect", "hardware")
    params, cache = loaded.collect, loaded.hardware.cache
    families = training_problems(params.seed, params.per_family)
    exams = args.digitized / "pairs"
    inputs = [exams, *files_of_sources(params)]
    work = stage_folder("collect", params.model_dump(), inputs, cache)
    with sifted_rows(args.out, "problems", work) as rows:
        for row in collect(params, families, exams):
            rows.take(row)
    steps = [
        {"id": problem.id, "steps": [step._asdict() for step in draw.steps]}
        for problem, draw in families
    ]
    write_rows(args.out / "steps.jsonl", steps)
    known = f"{rows.kept} problems, {len(steps)} with steps that the teacher knows"
    return f"{known}; left out: {rows.left_out}"


if __name__ == "__main__":
    entry.run(main)
