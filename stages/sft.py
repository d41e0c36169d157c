"""Fine-tune a model on solved problems.

Both stages of the recipe run this:

python -m stages.sft --section sft_cot --model models/base --data data/cot --out models/cot
"""

from numina import entry, settings
from numina.rows import read_problems
from numina.template import TEMPLATES
from numina.train.sft import fine_tune


def main() -> str:
    args = entry.paths(__doc__, "section", "model", "data", "out")
    section = str(args.section)
    params = settings.load(section, "template", "hardware")
    settings.check_fits(args.model)
    rows = read_problems(args.data / "train.jsonl")
    template = TEMPLATES[params.template.name]
    fine_tune(args.model, rows, args.out, getattr(params, section), params.hardware, template)
    return f"{args.out}: trained on {len(rows)} rows"


if __name__ == "__main__":
    entry.run(main)
