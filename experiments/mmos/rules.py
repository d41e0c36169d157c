"""Take the last output for the answer: the answer rules of the splits, with `from_output`.

python -m experiments.mmos.rules --rules data/answer_rules.json --out experiments/mmos/rules.json
"""

from numina import entry
from numina.rows import read_object, write_json
from numina.validation.rules import read_rules


def main() -> str:
    args = entry.paths(__doc__, "rules", "out")
    splits = read_object(args.rules)
    rules = read_rules(args.rules, splits)
    changed = {name: rule.model_copy(update={"from_output": True}) for name, rule in rules.items()}
    write_json(args.out, {name: rule.model_dump() for name, rule in changed.items()})
    return f"{args.out}: {', '.join(changed)}"


if __name__ == "__main__":
    entry.run(main)
