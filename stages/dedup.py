"""Remove duplicates and leaks.

python -m stages.dedup --collected data/collected --validation data/validation --out data/clean
"""

from numina import entry, settings
from numina.corpus.dedup import clean
from numina.corpus.sorted import sorted_rows
from numina.records.dropped import Removal
from numina.rows import read_problems


def main() -> str:
    args = entry.paths(__doc__, "collected", "validation", "out")
    params = settings.load("dedup").dedup
    validation = [
        row for file in sorted(args.validation.glob("*.jsonl")) for row in read_problems(file)
    ]
    problems = read_problems(args.collected / "problems.jsonl")
    # A chain of thought and a tool-integrated solution of one problem do not repeat each other.
    by_tools = [[row for row in problems if bool(row.tools) is tools] for tools in (False, True)]
    with sorted_rows(args.out, "problems.jsonl") as rows:
        for some in by_tools:
            kept, removed = clean(some, validation, params)
            by_id = {row.id: row for row in some}
            for row in kept:
                rows.keep(row)
            for removal in removed:
                rows.reject(Removal(by_id[removal.id], removal.rule, removal.met))
    return f"{rows.kept} of {len(problems)} kept; removed: {rows.left_out}"


if __name__ == "__main__":
    entry.run(main)
