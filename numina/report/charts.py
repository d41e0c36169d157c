"""The report's pictures, as SVG text that stands in the page."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

COLOURS = ("#2b5c8a", "#c2571a", "#4a7a3a", "#7a4a8a", "#8a7a2b", "#555555")
# Else every picture carries an RDF block that names outside addresses and the date.
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
Points = Sequence[tuple[float, float]]


def line_chart(series: Mapping[str, Points], x: str, y: str, *, percent: bool = False) -> str:
    """A line chart of named series of (x, y) points, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "numina", "font.size": 9})
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = Figure(figsize=(5.2, 2.9), layout="constrained")
    axes = figure.add_subplot()
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, label=name, color=colour, marker="o", markersize=2.5, linewidth=1.4)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if percent:
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    else:
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if len(series) > 1:
        axes.legend(frameon=False)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata=NO_METADATA, transparent=True)
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]


def loss_chart(files: Mapping[str, Path]) -> str:
    """Training loss by optimiser step, from loss.csv files."""
    series = {}
    for name, file in files.items():
        with file.open(encoding="utf-8") as rows:
            series[name] = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(rows)]
    return line_chart(series, "optimiser step", "loss (nats a token)")


def majority_chart(file: Path) -> str:
    """Accuracy of the vote over k traces, by split, from maj_at_k.csv."""
    series: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with file.open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            series[row["split"]].append((int(row["k"]), float(row["accuracy"])))
    return line_chart(series, "traces in the vote (k)", "right answers", percent=True)


def dag_edges(stages: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pairs of stages where the second depends on an out of the first."""
    makers = {}
    for name, stage in stages.items():
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
            makers[(out if isinstance(out, str) else next(iter(out))).split("/${")[0]] = name
    edges = set()
    for name, stage in stages.items():
        for dep in stage.get("deps", []):
            for path, maker in makers.items():
                matrix = "${" in dep and dep.split("${")[0] in path + "/"
                if maker != name and (matrix or dep == path or dep.startswith(path + "/")):
                    edges.add((maker, name))
    return sorted(edges)


def dag_chart(dvc_yaml: Path) -> str:
    """The pipeline's stages in layers, each below all that it depends on, as SVG."""
    stages = yaml.safe_load(dvc_yaml.read_text(encoding="utf-8"))["stages"]
    edges = dag_edges(stages)
    layer = dict.fromkeys(stages, 0)
    for _ in stages:
        for above, below in edges:
            layer[below] = max(layer[below], layer[above] + 1)
    width, high, wide, gap = 560, 26, 118, 48
    place: dict[str, tuple[float, float]] = {}
    for depth in range(max(layer.values()) + 1):
        row = [name for name in stages if layer[name] == depth]
        for position, name in enumerate(row):
            place[name] = (width * (position + 1) / (len(row) + 1), 20 + depth * gap)
    parts = [
        f'<svg viewBox="0 0 {width} {20 + (max(layer.values()) + 1) * gap}" role="img" '
        'aria-label="the stages of the pipeline">'
    ]
    for above, below in edges:
        (x1, y1), (x2, y2) = place[above], place[below]
        y1, y2 = y1 + high / 2, y2 - high / 2
        middle = (y1 + y2) / 2
        parts.append(
            f'<path d="M{x1:.0f},{y1:.0f} C{x1:.0f},{middle:.0f} {x2:.0f},{middle:.0f} '
            f'{x2:.0f},{y2:.0f}" fill="none" stroke="#9aa5b1"/>'
        )
    for name, (x, y) in place.items():
        parts.append(
            f'<rect x="{x - wide / 2:.0f}" y="{y - high / 2:.0f}" width="{wide}" height="{high}" '
            f'rx="5" fill="#f2f5f8" stroke="#2b5c8a"/><text x="{x:.0f}" y="{y + 4:.0f}" '
            f'text-anchor="middle" font-size="12">{name}</text>'
        )
    return "".join(parts) + "</svg>"
