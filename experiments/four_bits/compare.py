"""Lay what quantisation to 4 bits changed beside what the recipe's own quantisation changed.

    python -m experiments.four_bits.compare --model experiments/awq/model \
        --greedy experiments/awq/greedy --recipe models/quantised --recipe_greedy eval/greedy \
        --validation data/validation --out experiments/awq/cost.json

Size, loss, perplexity, likeliest token and KL are the quantisers' own records; answers are compared
with those of the plain model, decoded greedily.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numina import entry
from numina.measure.grade import grade
from numina.measure.quantisation import AFTER, BEFORE, quantisation, read_record
from numina.measure.results import Results, in_order
from numina.measure.score import Outcome
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.rows import read_records, read_splits, write_json

Problems = dict[str, list[Problem]]
Traces = dict[str, list[Trace]]


def main() -> str:
    args = entry.paths(__doc__, "model", "greedy", "recipe", "recipe_greedy", "validation", "out")
    problems = read_splits(args.validation)
    plain = read_greedy(args.recipe_greedy / "tir", problems)
    recipe = read_greedy(args.recipe_greedy / "quantised", problems)
    this = read_greedy(args.greedy, problems)
    found = {
        "recipe": changed(read_record(args.recipe), problems, plain, recipe),
        "this": changed(read_record(args.model), problems, plain, this),
    }
    write_json(args.out, found)
    return "\n".join(f"{name}: {in_words(row)}" for name, row in found.items())


def read_greedy(folder: Path, problems: Problems) -> Traces:
    """Greedy traces by split, in the order of the problems.

    Raises:
        UserError: a file is missing or damaged, or its problems are not those of the split.
    """
    return {
        split: in_order(file, rows, list(read_records(file, Trace)))
        for split, rows in problems.items()
        for file in [folder / f"{split}.jsonl"]
    }


def changed(
    record: dict[str, Any], problems: Problems, before: Traces, after: Traces
) -> dict[str, Any]:
    """A quantiser's record, with the greedy answers that it changed, as the recipe's score has it.

    Args:
        record: what the quantiser wrote about itself.
        problems: by split.
        before, after: traces of the plain model and of the quantised one.
    """
    results = Results(problems, {"tir": before, "quantised": after}, {})
    outcomes = [
        Outcome(split, problem, system, (grade(trace.answer, problem.answer),))
        for system, traces in ((BEFORE, before), (AFTER, after))
        for split, rows in problems.items()
        for problem, trace in zip(rows, traces[split], strict=True)
    ]
    return quantisation(record, results, outcomes)


def in_words(row: dict[str, Any]) -> str:
    """A row in a line."""
    answers = row["answers"]
    return (
        f"{row['bits']}-bit {row['method']}, {row['bytes_after'] / 1e6:.0f} MB, "
        f"loss {row['loss_after']}, KL {row['kl']}, {answers['changed']} of "
        f"{answers['problems']} answers changed"
    )


if __name__ == "__main__":
    entry.run(main)
