"""Build the chain-of-thought samples, and record what was left out and why.

python -m stages.cot_data --clean data/clean --out data/cot
"""

from numina import entry, settings
from numina.corpus.cot import cot_samples
from numina.corpus.sifted import sifted_rows
from numina.errors import UserError
from numina.resume import stage_folder
from numina.rows import StoredProblems


def main() -> str:
    args = entry.paths(__doc__, "clean", "out")
    params = settings.load("cot_data", "hardware")
    knobs, inputs = params.cot_data, args.clean / "problems"
    problems = StoredProblems(inputs)
    work = stage_folder("cot_data", knobs.model_dump(), [inputs], params.hardware.cache)
    with sifted_rows(args.out, "train", work) as rows:
        cot_samples(problems, knobs.max_rows, knobs.seed, rows)
        if not rows.kept:
            raise UserError(f"{args.clean}: no row can be trained on; left out: {rows.left_out}")
    return f"{rows.kept} chain-of-thought samples; left out: {rows.left_out}"


if __name__ == "__main__":
    entry.run(main)
