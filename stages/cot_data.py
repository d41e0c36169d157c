"""Build the chain-of-thought samples.

python -m stages.cot_data --clean data/clean --out data/cot
"""

from numina import entry, settings
from numina.corpus.cot import cot_samples
from numina.errors import UserError
from numina.rows import read_problems, write_rows


def main() -> str:
    args = entry.paths(__doc__, "clean", "out")
    params = settings.load("cot_data").cot_data
    problems = read_problems(args.clean / "problems.jsonl")
    samples = cot_samples(problems, params.max_rows, params.seed)
    if not samples:
        raise UserError(f"{args.clean}: no row has a solution and an answer")
    write_rows(args.out / "train.jsonl", samples)
    return f"{len(samples)} chain-of-thought samples"


if __name__ == "__main__":
    entry.run(main)
