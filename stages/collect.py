"""Collect every source into one table.

python -m stages.collect --digitized data/digitized --out data/collected
"""

from numina import entry, settings
from numina.corpus.collect import collect
from numina.rows import write_rows


def main() -> str:
    args = entry.paths(__doc__, "digitized", "out")
    problems, teacher = collect(settings.load("collect").collect, args.digitized / "pairs.jsonl")
    write_rows(args.out / "problems.jsonl", problems)
    steps = [
        {"id": name, "steps": [step._asdict() for step in steps]} for name, steps in teacher.items()
    ]
    write_rows(args.out / "steps.jsonl", steps)
    return f"{len(problems)} problems, {len(steps)} with steps that the teacher knows"


if __name__ == "__main__":
    entry.run(main)
