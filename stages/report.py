"""Write the report as one static page.

    python -m stages.report --metrics reports/metrics.json --curve reports/maj_at_k.csv \
        --validation data/validation --greedy eval/greedy --sctir eval/sctir --cot models/cot \
        --tir models/tir --gptq models/gptq --tir_data data/tir --out reports/index.html
"""

import json
from pathlib import Path
from typing import Any

from numina import settings
from numina.machine import versions
from numina.records import write_text
from numina.report.charts import dag_chart, loss_chart, majority_chart
from numina.report.page import choose_traces, counts, headline, render
from numina.score import existing, read_results

INPUTS = ("metrics", "curve", "validation", "greedy", "sctir", "cot", "tir", "gptq", "tir_data")


def read(file: Path) -> Any:
    return json.loads(existing(file).read_text(encoding="utf-8"))


def main() -> None:
    args = settings.paths(__doc__, *INPUTS, "out")
    settings.load()
    table = read(args.metrics)
    results = read_results(args.validation, args.greedy, args.sctir)
    page = render(
        {
            "table": table,
            "headline": headline(table),
            "majority": majority_chart(existing(args.curve)),
            "loss": loss_chart(
                {"CoT": existing(args.cot / "loss.csv"), "TIR": existing(args.tir / "loss.csv")}
            ),
            "traces": choose_traces(results),
            "counts": counts(results),
            "rounds": read(args.tir_data / "rounds.json"),
            "cost": read(args.gptq / "cost.json"),
            "dag": dag_chart(Path("dvc.yaml")),
            "run": read(args.sctir / "run.json"),
            "versions": versions(),
            "params": Path("params.yaml").read_text(encoding="utf-8"),
        }
    )
    write_text(args.out, page)
    print(f"{args.out}: {len(page) // 1024} KiB")


if __name__ == "__main__":
    settings.run(main)
