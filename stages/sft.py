"""Fine-tune a model on solved problems.

Both stages of the recipe run this:

python -m stages.sft --section sft_cot --model models/base --data data/cot --out models/cot
    --loss models/cot.loss.csv --rows models/cot.rows.json
"""

import dataclasses
import sys

from numina import entry, settings, terminal
from numina.rows import write_json
from numina.template import TEMPLATES
from numina.train.launch import launch, launches
from numina.train.ranks import end_rank
from numina.train.sft import fine_tune
from numina.train.world import is_first


def main() -> str | None:
    args = entry.paths(__doc__, "section", "model", "data", "out", "loss", "rows")
    section = str(args.section)
    params = settings.load(section, "template", "hardware")
    settings.check_fits(args.model)
    knobs, template = getattr(params, section), TEMPLATES[params.template.name]
    if launches(params.hardware, knobs.batch_size):
        launch(params.hardware, knobs.batch_size, "stages.sft", sys.argv[1:])  # back to here
        return None
    counts = fine_tune(
        *(args.model, args.data / "train", args.out, knobs, params.hardware, template),
        args.loss,
        live=terminal.FOLDER,
    )
    if not is_first():
        return None
    write_json(args.rows, dataclasses.asdict(counts))
    left_out = f"; {counts.too_long} exceed {knobs.max_length} tokens" if counts.too_long else ""
    left_out += f"; {counts.held_out} held out" if counts.held_out else ""
    return f"{args.out}: trained on {counts.trained} of {counts.rows} samples{left_out}"


if __name__ == "__main__":
    entry.run(main)
    end_rank()
