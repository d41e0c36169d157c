"""Build the validation splits.

python -m stages.validation_sets --out data/validation
"""

from numina import settings
from numina.corpus.validation import build_split
from numina.records import write_rows


def main() -> None:
    args = settings.paths(__doc__, "out")
    params = settings.load().validation_sets
    splits = {name: build_split(name, params) for name in params.splits}
    for name, problems in splits.items():
        write_rows(args.out / f"{name}.jsonl", problems)
        print(f"{name}: {len(problems)} problems")


if __name__ == "__main__":
    settings.run(main)
