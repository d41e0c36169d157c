"""Fine-tune a model on solved problems.

A published model (template.name=chat) is passed on as it is. Both stages of the recipe run this:

python -m stages.sft --section sft_cot --model models/base --data data/cot --out models/cot
    --loss models/cot.loss.csv --rows models/cot.rows.json
"""

import dataclasses
import sys

from numina import entry, settings, terminal
from numina.models.passed import pass_on
from numina.rows import write_json, write_text
from numina.template import training_template
from numina.train.launch import launch, launches
from numina.train.loss_curve import loss_table
from numina.train.ranks import end_rank
from numina.train.sft import fine_tune
from numina.train.world import is_first


def main() -> str | None:
    args = entry.paths(__doc__, "section", "model", "data", "out", "loss", "rows")
    section = str(args.section)
    params = settings.load(section, "template", "hardware")
    settings.check_fits(args.model)
    knobs = getattr(params, section)
    if params.template.name == "chat":
        pass_on(args.model, args.out)
        write_text(args.loss, loss_table([]))
        write_json(args.rows, {"rows": 0, "trained": 0})
        return f"{args.out}: {args.model} as it is (template.name is chat)"
    template = training_template(params.template.name)
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
