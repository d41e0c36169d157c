"""Remove leaks of validation problems and duplicates; keep what was removed, and why.

python -m stages.dedup --collected data/collected --validation data/validation --out data/clean
"""

from numina import entry, settings
from numina.corpus.dedup import sift
from numina.corpus.sifted import sifted_rows
from numina.resume import stage_folder
from numina.rows import each_problem, read_splits


def main() -> str:
    args = entry.paths(__doc__, "collected", "validation", "out")
    validation = [row for split in read_splits(args.validation).values() for row in split]
    problems = each_problem(args.collected / "problems")
    params = settings.load("dedup", "hardware")
    inputs = args.collected / "problems", args.validation
    work = stage_folder("dedup", params.dedup.model_dump(), inputs, params.hardware.cache)
    with sifted_rows(args.out, "problems", work) as rows:
        for row in sift(problems, validation, params.dedup, rows.finished()):
            rows.take(row)
    return f"{rows.kept} of {rows.counts['in']} kept; removed: {rows.left_out}"


if __name__ == "__main__":
    entry.run(main)
