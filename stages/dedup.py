"""Take out duplicates and leaks.

python -m stages.dedup --collected data/collected --validation data/validation --out data/clean
"""

from collections import Counter

from numina import entry, settings
from numina.corpus.dedup import clean
from numina.rows import read_problems, write_rows


def main() -> str:
    args = entry.paths(__doc__, "collected", "validation", "out")
    validation = [
        row for file in sorted(args.validation.glob("*.jsonl")) for row in read_problems(file)
    ]
    problems = read_problems(args.collected / "problems.jsonl")
    kept, removed = clean(problems, validation, settings.load("dedup").dedup)
    write_rows(args.out / "problems.jsonl", kept)
    write_rows(args.out / "removed.jsonl", removed)
    rules = Counter(removal.rule for removal in removed)
    return f"{len(kept)} of {len(problems)} kept; removed: {dict(rules) or 'none'}"


if __name__ == "__main__":
    entry.run(main)
