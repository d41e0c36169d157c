"""Write the report as one static page, and a card for each model.

    python -m stages.report --metrics reports/metrics.json --curve reports/maj_at_k.csv \
        --breakdown reports/breakdown.csv --outcomes reports/outcomes.csv \
        --costs reports/cost.json --validation data/validation --greedy eval/greedy \
        --sctir eval/sctir --cot_loss models/cot.loss.csv --tir_loss models/tir.loss.csv \
        --quantised models/quantised --cot_data data/cot --tir_data data/tir \
        --out reports/index.html --cards models

The comparison is with the outcomes of the last commit at the time this runs, and the page names the
commit; DVC does not rerun it for a new commit alone.
"""

from pathlib import Path

from numina import entry, settings
from numina.machine import versions
from numina.measure.results import read_results
from numina.measure.score import ALL
from numina.measure.systems import MODELS, SCTIR, SystemLabels, quantisation_name
from numina.report.browser import browser_data
from numina.report.card import RunEvidence, card
from numina.report.charts import loss_chart, majority_chart
from numina.report.compare import between_systems, previous_run, read_outcomes
from numina.report.dag import dag_chart
from numina.report.facts import facts, read_training
from numina.report.headline import headline, title
from numina.report.page import Content, render
from numina.report.provenance import last_commit, lock_hashes
from numina.report.reference import elsewhere
from numina.report.tables import cost_rows, divisions, result_rows, tally
from numina.rows import existing, read_object, write_text

TABLES = ("metrics", "curve", "breakdown", "outcomes", "costs")
FOLDERS = ("validation", "greedy", "sctir", "quantised", "cot_data", "tir_data")
LOSSES = ("cot_loss", "tir_loss")

RUN_FIELDS = ("n", "depth", "seconds", "machine", "isolation", "engine")
QUANTISATION_FIELDS = (
    *("method", "bits", "group_size", "calibration_rows", "loss_rows"),
    *("loss_before", "loss_after", "bytes_before", "bytes_after"),
)


def main() -> str:
    args = entry.paths(__doc__, *TABLES, *LOSSES, *FOLDERS, "out", "cards")
    params = settings.read()
    table, costs = read_object(args.metrics, ALL), read_object(args.costs, ALL)
    run = read_object(
        args.sctir / "run.json", "n", "seconds", "machine", "isolation", "engine", "depth"
    )
    quantisation = read_object(args.quantised / "cost.json", *QUANTISATION_FIELDS)
    quantised_as = quantisation_name(quantisation)
    labels = SystemLabels.of(quantised_as, params.eval_greedy.depth, run["depth"])
    results = read_results(args.validation, args.greedy, args.sctir)
    now = read_outcomes(existing(args.outcomes).read_text(encoding="utf-8"), str(args.outcomes))
    steps, commit = between_systems(now), last_commit()
    losses = {"CoT": existing(args.cot_loss), "TIR": existing(args.tir_loss)}
    sizes = {split: len(rows) for split, rows in results.problems.items()}
    content = Content(
        labels=labels,
        title=title(table),
        headline=headline(table, steps, run["n"], labels),
        results=result_rows(table),
        steps=steps,
        previous=previous_run(now, args.outcomes, commit),
        divisions=divisions(args.breakdown),
        elsewhere=elsewhere(sizes),
        majority=majority_chart(existing(args.curve)),
        loss=loss_chart(losses),
        dag=dag_chart(Path("dvc.yaml")),
        ends=tally(costs, "ends"),
        programs=tally(costs, "programs"),
        costs=cost_rows(costs),
        stops=costs[ALL][SCTIR.name]["stops"],
        saved=table[ALL][SCTIR.name]["tokens_saved"],
        rounds=read_object(args.tir_data / "rounds.json"),
        quantisation=quantisation,
        browser=browser_data(results),
        facts=facts(params, run, results, versions()),
        hashes=lock_hashes(Path("dvc.lock")),
        commit=commit,
        params=Path("params.yaml").read_text(encoding="utf-8"),
    )
    cot = read_training(args.cot_data / "train.jsonl", losses["CoT"], params.sft_cot)
    tir = read_training(args.tir_data / "train.jsonl", losses["TIR"], params.sft_tir)
    trainings = {"cot": cot, "tir": tir}
    evidence = RunEvidence(table, params, labels, trainings, quantisation, run, commit)
    cards = {model: card(model, evidence) for model in MODELS}
    page = render(content)
    for model, text in cards.items():
        write_text(args.cards / f"{model}.README.md", text)
    write_text(args.out, page)
    return f"{args.out}: {len(page.encode()) // 1024} KiB; {args.cards}/*.README.md"


if __name__ == "__main__":
    entry.run(main)
