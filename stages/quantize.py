"""Quantise the TIR model, by GPTQ or AWQ.

python -m stages.quantize --model models/tir --data data/tir --out models/quantised
"""

from numina import entry, settings
from numina.models.quantize import quantize
from numina.rows import StoredProblems
from numina.template import TEMPLATES


def main() -> str:
    args = entry.paths(__doc__, "model", "data", "out")
    params = settings.load("quantize", "template")
    settings.check_fits(args.model)
    rows = StoredProblems(args.data / "train")
    found = quantize(args.model, rows, args.out, params.quantize, TEMPLATES[params.template.name])
    return (
        f"{args.out}: loss {found.loss_before:.5f} before, {found.loss_after:.5f} after; "
        f"{found.top1_agreement:.2%} of {found.tokens} tokens alike"
    )


if __name__ == "__main__":
    entry.run(main)
