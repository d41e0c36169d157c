"""Write the report as one static page, a card for each model, and the loss curves.

    python -m stages.report --metrics reports/metrics.json --curve reports/maj_at_k.csv \
        --depth reports/depth.csv \
        --breakdown reports/breakdown.csv --outcomes reports/outcomes.csv \
        --costs reports/cost.json --validation data/validation --greedy eval/greedy \
        --sctir eval/sctir --cot_loss models/cot.loss.csv --tir_loss models/tir.loss.csv \
        --quantization reports/quantization.json --collected data/collected \
        --clean data/clean --attempts data/attempts --cot_data data/cot --tir_data data/tir \
        --out reports/index.html --cards models --curves reports

The page compares with the outcomes of the last commit when this runs, and names that commit; DVC
does not rerun the stage because of a new commit alone.
"""

from pathlib import Path

from numina import entry, settings
from numina.machine import versions
from numina.measure.systems import MODELS
from numina.report.card import card
from numina.report.content import content_of
from numina.report.evidence import read_evidence
from numina.report.page import render
from numina.rows import write_text

TABLES = (
    *("metrics", "curve", "depth", "breakdown", "outcomes", "costs", "quantization"),
    *("cot_loss", "tir_loss"),
)
FOLDERS = (
    "validation",
    "greedy",
    "sctir",
    "collected",
    "clean",
    "attempts",
    "cot_data",
    "tir_data",
)
PIPELINE = (Path("dvc.yaml"), Path("dvc.lock"), Path("params.yaml"))


def main() -> str:
    args = entry.paths(__doc__, *TABLES, *FOLDERS, "out", "cards", "curves")
    evidence = read_evidence(vars(args), settings.read())
    page = render(content_of(evidence, versions(), *PIPELINE))
    cards = {model: card(model, evidence) for model in MODELS}
    for model, text in cards.items():
        write_text(args.cards / f"{model}.README.md", text)
    rounds = args.attempts / "rounds.csv"
    curves = {file.name: file for file in (args.cot_loss, args.tir_loss)}
    for name, file in {**curves, "tir.rounds.csv": rounds}.items():  # in git, for `dvc plots diff`
        write_text(args.curves / name, file.read_text(encoding="utf-8"))
    write_text(args.out, page)
    return f"{args.out}: {len(page.encode()) // 1024} KiB; {args.cards}/*.README.md"


if __name__ == "__main__":
    entry.run(main)
