"""The report's charts, as SVG text that is part of the page and takes its colours from it."""

from __future__ import annotations

import io
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numina.report.csv_tables import CurveRow, LossRow
from numina.report.wording import plain

# Distinct also with colour blindness (Okabe and Ito), on light and on dark backgrounds.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b08900", "#56b4e9")
INK = "#123456"  # stands for the page's own colour of text
# Otherwise every picture has an RDF block with outside addresses and the date.
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart.

    Attributes:
        low, high: of a band around it; empty if there is none.
        ceiling: a dashed line above it, over the first of its x; empty if there is none.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    ceiling: Sequence[float] = ()


def line_chart(
    series: Sequence[Series], x: str, y: str, about: str, *, percent: bool = False
) -> str:
    """A line chart as SVG; `about` describes it in words, for screen readers."""
    with chart(about) as (axes, drawn):
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        for number, row in enumerate(series):
            colour = COLOURS[number % len(COLOURS)]
            marker = "o" if len(row.x) <= 24 else None
            axes.plot(row.x, row.y, label=row.name, color=colour, marker=marker, markersize=3.5)
            if row.low:
                axes.fill_between(row.x, row.low, row.high, color=colour, alpha=0.13, linewidth=0)
            if row.ceiling:
                known = row.x[: len(row.ceiling)]
                axes.plot(known, row.ceiling, color=colour, linewidth=1.2, linestyle=(0, (2, 2)))
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if percent:
            highest = max(max((*row.y, *row.high, *row.ceiling)) for row in series)
            axes.set_ylim(0, min(1, highest * 1.08) or 1)
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        else:
            axes.set_ylim(bottom=0)
        axes.grid(alpha=0.15, linewidth=0.7)
        if len(series) > 1:
            legend(axes)
    return drawn.svg


@dataclass(slots=True)
class Drawn:
    """A chart: its SVG once it is complete."""

    svg: str = ""


@contextmanager
def chart(about: str, height: float = 3.1) -> Iterator[tuple[Any, Drawn]]:
    """The axes of a chart to draw on, and its SVG once the context ends.

    Args:
        about: what it shows, for screen readers.
        height: in inches, of a chart that is 5 inches wide.
    """
    import matplotlib

    matplotlib.use("svg")
    style: Any = {"svg.fonttype": "none", "svg.hashsalt": f"numina {about}", "font.size": 11}
    inked = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor")
    with matplotlib.rc_context({**style, **dict.fromkeys((*inked, "grid.color"), INK)}):
        from matplotlib.figure import Figure

        figure, drawn = Figure(figsize=(5, height), layout="constrained"), Drawn()
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        yield axes, drawn
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=NO_METADATA, transparent=True)
    svg = text.getvalue()[text.getvalue().index("<svg") :]
    drawn.svg = svg.replace(INK, "currentColor").replace(
        "<svg ", f'<svg class="chart" role="img" aria-label="{about}" ', 1
    )


def legend(axes: Any) -> None:
    """Name the series above the chart."""
    axes.figure.legend(loc="outside upper left", ncols=3, frameon=False, borderpad=0)


def loss_chart(curves: Mapping[str, Sequence[LossRow]]) -> str:
    """Training loss by optimiser step; "" if nothing was trained."""
    series = [
        Series(name, [row.step for row in rows], [row.loss for row in rows])
        for name, rows in curves.items()
        if rows
    ]
    about = "Training loss by step"
    return line_chart(series, "optimiser step", "loss, nats a token", about) if series else ""


def majority_chart(curve: Sequence[CurveRow]) -> str:
    """Accuracy of the vote over k traces with its band, and pass@k, by split."""
    by_split: dict[str, list[CurveRow]] = defaultdict(list)
    for row in curve:
        by_split[row.split].append(row)
    series = [
        Series(
            plain(split),
            [row.k for row in rows],
            [row.accuracy for row in rows],
            [row.low for row in rows],
            [row.high for row in rows],
            ceiling=[row.pass_at_k for row in rows if row.pass_at_k is not None],
        )
        for split, rows in by_split.items()
    ]
    about = "Right answers of a vote by the number of its traces"
    return line_chart(series, "traces in the vote, k", "right", about, percent=True)


def yield_chart(rounds: Mapping[str, Mapping[str, int]]) -> str:
    """The right share of each round's attempts, and the share of all problems solved after it."""
    rows = list(rounds.values())
    problems = max(1, rows[0]["problems"])
    solved = list(itertools.accumulate(row["solved"] for row in rows))
    numbers = range(1, len(rows) + 1)
    series = [
        Series("attempts that are right", numbers, [r["correct"] / r["attempts"] for r in rows]),
        Series("problems solved so far", numbers, [count / problems for count in solved]),
    ]
    about = "Right attempts and solved problems by round of teaching"
    return line_chart(series, "round", "share", about, percent=True)
