"""Build the chain-of-thought samples, and write down what was left out and why.

python -m stages.cot_data --clean data/clean --out data/cot
"""

from numina import entry, settings
from numina.corpus.cot import cot_samples
from numina.errors import UserError
from numina.records.dropped import by_rule
from numina.rows import read_problems, write_rows


def main() -> str:
    args = entry.paths(__doc__, "clean", "out")
    params = settings.load("cot_data").cot_data
    problems = read_problems(args.clean / "problems.jsonl")
    samples, dropped = cot_samples(problems, params.max_rows, params.seed)
    if not samples:
        raise UserError(f"{args.clean}: no row can be trained on; left out: {by_rule(dropped)}")
    write_rows(args.out / "train.jsonl", samples)
    write_rows(args.out / "dropped.jsonl", dropped)
    return f"{len(samples)} chain-of-thought samples; left out: {by_rule(dropped)}"


if __name__ == "__main__":
    entry.run(main)
