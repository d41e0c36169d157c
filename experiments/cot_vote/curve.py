"""Write how the vote grows with the number of chains of thought: maj@k and pass@k.

    python -m experiments.cot_vote.curve --validation data/validation \
        --sctir experiments/cot_vote/eval --out experiments/cot_vote/curve.csv
"""

from numina import entry
from numina.errors import UserError
from numina.measure.pools import CURVE_FIELDS, curve_rows
from numina.measure.results import Results, in_order, seed_of
from numina.records.trace import Verdict
from numina.rows import read_object, read_records, read_splits, write_csv
from numina.settings.decoding import Sctir


def main() -> str:
    args = entry.paths(__doc__, "validation", "sctir", "out")
    problems = read_splits(args.validation)
    run = read_object(args.sctir / "run.json", *Sctir.model_fields)
    votes = {}
    for split, rows in problems.items():
        files = sorted((args.sctir / split).glob("seed_*.jsonl"))
        if not files:
            raise UserError(f"{args.sctir / split}: holds no seed_*.jsonl")
        votes[split] = {
            seed_of(file): in_order(file, rows, list(read_records(file, Verdict))) for file in files
        }
    knobs = Sctir(**{name: run[name] for name in Sctir.model_fields})
    rows = curve_rows(Results(problems, {}, votes), knobs)
    write_csv(args.out, CURVE_FIELDS, rows)
    last = {row["split"]: row["accuracy"] for row in rows}
    return ", ".join(f"{split}: {share:.1%} with {knobs.n}" for split, share in last.items())


if __name__ == "__main__":
    entry.run(main)
