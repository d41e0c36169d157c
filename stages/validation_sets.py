"""Build the validation splits, and write down what each takes for an answer.

python -m stages.validation_sets --out data/validation --rules data/answer_rules.json
"""

from numina import entry, settings
from numina.rows import write_json, write_rows
from numina.validation.splits import build_splits


def main() -> str:
    args = entry.paths(__doc__, "out", "rules")
    params = settings.load("validation_sets", "splits")
    lines = []
    for name, problems in build_splits(params.validation_sets, params.splits).items():
        write_rows(args.out / f"{name}.jsonl", problems)
        unsound = sum(bool(problem.unsound) for problem in problems)
        note = f", {unsound} of them with an answer known to be wrong" if unsound else ""
        lines.append(f"{name}: {len(problems)} problems{note}")
    chosen = params.validation_sets.splits
    write_json(args.rules, {name: params.splits[name].answer.model_dump() for name in chosen})
    return "\n".join(lines)


if __name__ == "__main__":
    entry.run(main)
