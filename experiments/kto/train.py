"""Train the policy on its own labelled samples by KTO (Ethayarajh et al. 2024, arXiv 2402.01306).

    python -m experiments.stage kto experiments.kto.train \
        --model models/tir --samples experiments/kto/samples --out experiments/kto/model \
        --curve experiments/kto/curve.csv --rows experiments/kto/rows.json

A killed run continues from its last checkpoint. Meanwhile logs/kto.live.csv has the curves.
"""

import dataclasses

from experiments.kto.fit import fit
from experiments.kto.settings import Kto
from experiments.settings import own
from numina import entry, settings, terminal
from numina.rows import write_json
from numina.template import training_template


def main() -> str:
    args = entry.paths(__doc__, "model", "samples", "out", "curve", "rows")
    params = settings.load("template", "hardware")
    knobs = own("kto", Kto).train
    counts = fit(
        args.model,
        args.samples / "samples",
        args.out,
        args.curve,
        knobs,
        params.hardware,
        training_template(params.template.name),
        live=terminal.FOLDER / "kto.live.csv",
    )
    write_json(args.rows, dataclasses.asdict(counts))
    if not counts.trained:
        return f"{args.out}: {args.model} as it is, there is nothing to learn: {counts.in_words()}"
    return f"{args.out}: trained on {counts.in_words()}"


if __name__ == "__main__":
    entry.run(main)
