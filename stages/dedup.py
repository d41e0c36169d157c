"""Remove leaks of validation problems and duplicates; keep what was removed, and why.

python -m stages.dedup --collected data/collected --validation data/validation --out data/clean
"""

from numina import entry, settings
from numina.corpus.dedup import clean
from numina.records.dropped import by_rule
from numina.rows import read_problems, read_splits, write_rows


def main() -> str:
    args = entry.paths(__doc__, "collected", "validation", "out")
    validation = [row for split in read_splits(args.validation).values() for row in split]
    problems = read_problems(args.collected / "problems.jsonl")
    kept, removed = clean(problems, validation, settings.load("dedup").dedup)
    write_rows(args.out / "problems.jsonl", kept)
    write_rows(args.out / "removed.jsonl", removed)
    return f"{len(kept)} of {len(problems)} kept; removed: {by_rule(removed)}"


if __name__ == "__main__":
    entry.run(main)
