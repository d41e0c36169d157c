"""Grade every system on every split.

    python -m stages.score --validation data/validation --greedy eval/greedy --sctir eval/sctir \
        --out reports/metrics.json --curve reports/maj_at_k.csv
"""

import json

from numina import settings
from numina.records import write_json, write_text
from numina.score import existing, majority_curve, metrics, read_results


def main() -> None:
    args = settings.paths(__doc__, "validation", "greedy", "sctir", "out", "curve")
    results = read_results(args.validation, args.greedy, args.sctir)
    run = json.loads(existing(args.sctir / "run.json").read_text(encoding="utf-8"))
    table = metrics(results, run["seconds"])
    rows = [f"{row['split']},{row['k']},{row['accuracy']}\n" for row in majority_curve(results)]
    write_text(args.curve, "split,k,accuracy\n" + "".join(rows))
    write_json(args.out, table)
    for split, systems in table.items():
        print(split, {system: row["accuracy"] for system, row in systems.items()})


if __name__ == "__main__":
    settings.run(main)
