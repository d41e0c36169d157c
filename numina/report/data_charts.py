"""The pictures of the training data: sources, lengths, answers by kind, removals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from numina.report.charts import COLOURS, chart, legend
from numina.report.tables import DataRow
from numina.report.training_rows import KINDS, TrainingRows, shortest
from numina.report.wording import plain

MOST = 12  # bars; the others are one bar
LONGEST = 34  # characters of a bar's name
ROWS = "rows"


class DataCharts(NamedTuple):
    """The pictures of the training data, as SVG; "" for one that has nothing to show."""

    sources: str
    lengths: str
    kinds: str
    removals: str


def data_charts(
    trainings: Mapping[str, TrainingRows],
    stages: Sequence[DataRow],
) -> DataCharts:
    """Draw the training data.

    Args:
        trainings: the rows of each training, by its name.
        stages: what each stage of the data build left out.
    """
    return DataCharts(
        sources=source_chart(trainings),
        lengths=length_chart(trainings),
        kinds=bar_chart(
            {kind: {n: rows.kinds[kind] for n, rows in trainings.items()} for kind in KINDS},
            ROWS,
            "Training rows by the kind of their answer",
        ),
        removals=removal_chart(stages),
    )


def source_chart(trainings: Mapping[str, TrainingRows]) -> str:
    """Rows by source, the largest first, the smallest together."""
    total: Counter[str] = Counter()
    for rows in trainings.values():
        total.update(rows.origins)
    order = sorted(total, key=lambda name: (-total[name], name))
    shown, rest = order[:MOST], order[MOST:]
    bars = {plain(name): {n: rows.origins[name] for n, rows in trainings.items()} for name in shown}
    if rest:
        bars[f"{len(rest)} others"] = {
            n: sum(rows.origins[name] for name in rest) for n, rows in trainings.items()
        }
    return bar_chart(bars, ROWS, "Training rows by source", stacked=True)


def length_chart(trainings: Mapping[str, TrainingRows]) -> str:
    """The lengths of solutions on a logarithmic scale."""
    present = [length for rows in trainings.values() for length in rows.lengths]
    if not present:
        return ""
    classes = range(min(present), max(present) + 1)
    edges = [shortest(length) for length in (*classes, classes.stop)]
    with chart("Lengths of the solutions in the training rows") as (axes, drawn):
        for number, (name, rows) in enumerate(trainings.items()):
            counts = [rows.lengths[length] for length in classes]
            axes.stairs(counts, edges, label=name, color=COLOURS[number], linewidth=1.6)
            axes.stairs(counts, edges, color=COLOURS[number], alpha=0.13, fill=True)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda length, _: f"{length:,.0f}")
        axes.set_xlabel("characters of the solution")
        axes.set_ylabel(ROWS)
        axes.grid(alpha=0.15, linewidth=0.7)
        legend(axes)
    return drawn.svg


def removal_chart(stages: Sequence[DataRow]) -> str:
    """Rows that were left out, by rule and stage."""
    bars: dict[str, dict[str, int]] = {}
    for stage in stages:
        for rule, count in stage.left_out.items():
            bars.setdefault(rule, {})[stage.name] = count
    order = sorted(bars, key=lambda rule: (-sum(bars[rule].values()), rule))[:MOST]
    return bar_chart(
        {rule: bars[rule] for rule in order}, ROWS, "Rows left out by rule and stage", stacked=True
    )


def bar_chart(
    bars: Mapping[str, Mapping[str, float]], unit: str, about: str, *, stacked: bool = False
) -> str:
    """Horizontal bars, each with a part for each series; "" if there is nothing to show.

    Args:
        bars: the values of each bar by series, from above.
        unit: of the values.
        about: what it shows, for screen readers.
        stacked: the parts of a bar are put one behind another, not one below another.
    """
    shown = {name: parts for name, parts in bars.items() if any(parts.values())}
    series = list(dict.fromkeys(name for parts in shown.values() for name in parts))
    if not shown:
        return ""
    thick = 0.8 if stacked else 0.8 / len(series)
    with chart(about, height=0.9 + 0.26 * len(shown)) as (axes, drawn):
        for number, name in enumerate(series):
            values = [parts.get(name, 0) for parts in shown.values()]
            before = [
                sum(parts.get(other, 0) for other in series[:number]) for parts in shown.values()
            ]
            shift = 0 if stacked else (number - (len(series) - 1) / 2) * thick
            places = [place + shift for place in range(len(shown))]
            left = before if stacked else 0
            axes.barh(places, values, thick, left=left, label=name, color=COLOURS[number])
        axes.set_yticks(range(len(shown)), [cut(name) for name in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(unit)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axes.grid(axis="x", alpha=0.15, linewidth=0.7)
        axes.set_axisbelow(True)
        legend(axes)
    return drawn.svg


def cut(name: str) -> str:
    """A name that leaves room for its bar."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
