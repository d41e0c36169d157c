"""Quantise the TIR model by GPTQ.

python -m stages.quantize --model models/tir --data data/tir --out models/quantised
"""

from numina import entry, settings
from numina.models.gptq import quantize
from numina.rows import read_object, read_problems
from numina.template import TEMPLATES


def main() -> str:
    args = entry.paths(__doc__, "model", "data", "out")
    params = settings.load("quantize", "template")
    settings.check_fits(args.model)
    rows = read_problems(args.data / "train.jsonl")
    quantize(args.model, rows, args.out, params.quantize, TEMPLATES[params.template.name])
    cost = read_object(args.out / "cost.json")
    return f"{args.out}: loss {cost['loss_before']} before, {cost['loss_after']} after"


if __name__ == "__main__":
    entry.run(main)
