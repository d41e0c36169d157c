"""Build the validation splits.

python -m stages.validation_sets --out data/validation
"""

from numina import entry, settings
from numina.rows import write_rows
from numina.validation.splits import build_splits


def main() -> None:
    args = entry.paths(__doc__, "out")
    params = settings.load().validation_sets
    for name, problems in build_splits(params).items():
        write_rows(args.out / f"{name}.jsonl", problems)
        unsound = sum(bool(problem.unsound) for problem in problems)
        note = f", {unsound} of them with an answer known to be wrong" if unsound else ""
        print(f"{name}: {len(problems)} problems{note}")


if __name__ == "__main__":
    entry.run(main)
