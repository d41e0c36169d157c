"""Draw the curves of the training.

    python -m experiments.stage kto experiments.kto.rewards --curve experiments/kto/curve.csv \
        --csv experiments/kto/rewards.csv --out experiments/kto/rewards.svg
"""

import csv
from pathlib import Path

from experiments.kto.settings import Kto
from experiments.settings import own
from numina import entry
from numina.report.charts import COLOURS, chart, legend
from numina.rows import write_text

LINES = {
    "chosen": "right samples",
    "rejected": "wrong samples",
    "margin": "margin",
    "kl": "KL, times beta",
}
ABOUT = "Rewards of right and wrong samples, their margin and the KL by optimiser step"
SMOOTHED = 5  # steps of the mean that is drawn


def main() -> str:
    args = entry.paths(__doc__, "curve", "csv", "out")
    beta = own("kto", Kto).train.beta
    text = args.curve.read_text(encoding="utf-8")
    write_text(args.csv, text)
    write_text(args.out, picture(args.curve, beta))
    return f"{args.out}: {len(text.splitlines()) - 1} steps"


def picture(curve: Path, beta: float) -> str:
    """The curves as SVG: each step pale, and the mean of the last steps."""
    with curve.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with chart(ABOUT) as (axes, drawn):
        for number, (name, words) in enumerate(LINES.items()):
            scale = beta if name == "kl" else 1.0
            points = [(int(row["step"]), scale * float(row[name])) for row in rows if row[name]]
            steps, values = [step for step, _ in points], [value for _, value in points]
            axes.plot(steps, values, color=COLOURS[number], alpha=0.25, linewidth=0.8)
            axes.plot(steps, smoothed(values), color=COLOURS[number], label=words)
        axes.axhline(0, color=COLOURS[1], linewidth=0.5, linestyle=(0, (2, 2)))
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("reward")
        axes.grid(alpha=0.15, linewidth=0.7)
        legend(axes)
    return drawn.svg


def smoothed(values: list[float]) -> list[float]:
    """The mean of each value and those before it."""
    windows = (values[max(0, end - SMOOTHED) : end] for end in range(1, len(values) + 1))
    return [sum(window) / len(window) for window in windows]


if __name__ == "__main__":
    entry.run(main)
