"""Grade every system on every split.

    python -m stages.score --validation data/validation --rules data/answer_rules.json \
        --greedy eval/greedy --sctir eval/sctir \
        --metrics reports/metrics.json --summary reports/summary.json \
        --curve reports/maj_at_k.csv --depth reports/depth.csv \
        --breakdown reports/breakdown.csv --outcomes reports/outcomes.csv \
        --cost reports/cost.json \
        --quantised models/quantised --quantization reports/quantization.json

Nothing is written unless all inputs could be read and graded.
"""

from numina import entry
from numina.measure.cost import costs
from numina.measure.depth import DEPTH_FIELDS, depth_rows
from numina.measure.pools import CURVE_FIELDS, curve_rows
from numina.measure.quantisation import quantisation, read_record
from numina.measure.results import read_results
from numina.measure.score import (
    BREAKDOWN_FIELDS,
    OUTCOME_FIELDS,
    breakdown,
    groups,
    metrics,
    one_sampled,
    outcome_rows,
    outcomes,
    summary,
)
from numina.rows import read_object, write_csv, write_json
from numina.settings.decoding import Sctir
from numina.validation.rules import read_rules

INPUTS = ("validation", "rules", "greedy", "sctir", "quantised")
OUTS = ("metrics", "summary", "curve", "depth", "breakdown", "outcomes", "cost", "quantization")


def main() -> str:
    args = entry.paths(__doc__, *INPUTS, *OUTS)
    results = read_results(args.validation, args.greedy, args.sctir)
    run = read_object(args.sctir / "run.json", "seconds", *Sctir.model_fields)
    record = read_record(args.quantised)
    knobs = Sctir(**{name: run[name] for name in Sctir.model_fields})
    found = outcomes(results)
    table = metrics(results, found, run["seconds"])
    curve = curve_rows(results, knobs)
    depths = depth_rows(results, knobs, read_rules(args.rules, results.problems))
    spent = {name: costs(results, splits) for name, splits in groups(results)}
    quantised = quantisation(record, results, found)
    write_csv(args.curve, CURVE_FIELDS, curve)
    write_csv(args.depth, DEPTH_FIELDS, depths)
    write_csv(args.breakdown, BREAKDOWN_FIELDS, breakdown(found))
    write_csv(args.outcomes, OUTCOME_FIELDS, outcome_rows([*found, *one_sampled(results)]))
    write_json(args.cost, spent)
    write_json(args.quantization, quantised)
    write_json(args.summary, summary(table))
    write_json(args.metrics, table)
    return "\n".join(f"{split}: {row}" for split, row in summary(table).items())


if __name__ == "__main__":
    entry.run(main)
