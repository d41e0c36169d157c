"""Score one system and compare it with the recipe on the same problems.

    python -m experiments.score --name kto --system "SC-TIR after KTO" \
        --sctir experiments/kto/eval --recipe eval/sctir \
        --validation data/validation \
        --out experiments/kto/score.json --metric experiments/kto/metric.json

`--greedy` instead of `--sctir` takes a folder of stages.eval_greedy; so may `--recipe`.
`score.json` has every figure; `metric.json` the three that `dvc exp show` has room for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numina import entry
from numina.errors import UserError
from numina.measure.cost import cost
from numina.measure.grade import grade
from numina.measure.results import in_order
from numina.measure.score import ALL
from numina.measure.stats import estimate, over_seeds, paired
from numina.records.problem import Problem
from numina.records.trace import Trace, Verdict
from numina.rows import read_object, read_records, read_splits, write_json

Problems = dict[str, list[Problem]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a folder of evaluations holds.

    Attributes:
        right: by split, [problems, seeds], 1 for right; undecided counts as not right.
        traces: all of them.
        seconds: wall-clock of the evaluation.
    """

    right: dict[str, NDArray[np.float64]]
    traces: list[Trace]
    seconds: float


def main() -> str:
    args = parse()
    problems = read_splits(args.validation)
    this = read(args.sctir or args.greedy, problems)
    recipe = read(args.recipe, problems)
    table = {
        "name": args.name,
        "system": args.system,
        "recipe": str(args.recipe),
        **{split: figures(this, recipe, names) for split, names in groups(problems)},
    }
    whole = table[ALL]
    whole["tokens_per_problem"] = round(cost(this.traces)["tokens_generated"] / asked(this), 1)
    whole["minutes"] = round(this.seconds / 60, 1)
    write_json(args.out, table)
    few = {key: whole[key] for key in ("accuracy", "difference", "p_value")}
    write_json(args.metric, {label(args.name, args.out): few})
    return (
        f"{whole['accuracy']}% right, {whole['difference']:+} points beside the recipe "
        f"(p = {whole['p_value']})"
    )


def parse() -> Any:
    parser = entry.Parser(description=__doc__)
    parser.add_argument("--name", required=True, help="the experiment")
    parser.add_argument("--system", required=True, help="what is scored, in words")
    folder = parser.add_mutually_exclusive_group(required=True)
    folder.add_argument("--sctir", type=Path, metavar="FOLDER")
    folder.add_argument("--greedy", type=Path, metavar="FOLDER")
    for name in ("recipe", "validation", "out", "metric"):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH")
    return parser.parse_args()


def label(name: str, out: Path) -> str:
    """What DVC shows the figures under: `kto`, or `merge_dare` for `dare.score.json`."""
    return "_".join([name, *out.stem.removesuffix("score").rstrip(".").split()])


def read(folder: Path, problems: Problems) -> Evaluation:
    """Read a folder of greedy traces or of votes, whichever it holds.

    Raises:
        UserError: neither is there for a split, a file is damaged, or its problems are not those of
            the split.
    """
    right, traces = {}, []
    for split, rows in problems.items():
        files = sorted((folder / split).glob("seed_*.jsonl"))
        columns = []
        if files:
            for file in files:
                verdicts = in_order(file, rows, list(read_records(file, Verdict)))
                columns.append([verdict.answer for verdict in verdicts])
                traces += [trace for verdict in verdicts for trace in verdict.traces]
        elif (file := folder / f"{split}.jsonl").is_file():
            greedy = in_order(file, rows, list(read_records(file, Trace)))
            columns.append([trace.answer for trace in greedy])
            traces += greedy
        else:
            raise UserError(f"{folder}: has neither {split}/seed_*.jsonl nor {split}.jsonl")
        graded = [
            [grade(answer, row.answer) is True for answer in answers]
            for row, answers in zip(rows, zip(*columns, strict=True), strict=True)
        ]
        right[split] = np.array(graded, float)
    return Evaluation(right, traces, read_object(folder / "run.json", "seconds")["seconds"])


def groups(problems: Problems) -> list[tuple[str, list[str]]]:
    """All problems together, and each split by itself."""
    return [(ALL, list(problems)), *((split, [split]) for split in problems)]


def figures(this: Evaluation, recipe: Evaluation, splits: list[str]) -> dict[str, Any]:
    """Accuracy with its interval and the paired comparison, in percent."""
    here, there = (np.concatenate([side.right[name] for name in splits]) for side in (this, recipe))
    found, pair, spread = estimate(here), paired(here, there), over_seeds(here)
    return {
        "accuracy": percent(found.mean),
        "ci95_low": percent(found.interval.low),
        "ci95_high": percent(found.interval.high),
        "std": percent(spread.std),
        "seeds": spread.seeds,
        "problems": found.n,
        "recipe": percent(estimate(there).mean),
        "difference": percent(pair.difference),
        "difference_low": percent(pair.interval.low),
        "difference_high": percent(pair.interval.high),
        "p_value": float(f"{pair.p_value:.2g}"),
        "better": pair.only_first,
        "worse": pair.only_second,
    }


def asked(this: Evaluation) -> int:
    """How many times a problem was asked."""
    return sum(array.size for array in this.right.values())


def percent(share: float) -> float:
    """A share in percent, with one digit."""
    return round(100 * share, 1)


if __name__ == "__main__":
    entry.run(main)
