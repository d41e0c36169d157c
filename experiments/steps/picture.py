"""The picture of the steps: accuracy with its interval, and what each step adds, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numina.report.charts import COLOURS, chart
from numina.report.wording import p_value

WIDTH = 8  # inches
GREY = "#777"  # of the text: legible on a light and on a dark page


def picture(table: Mapping[str, Mapping[str, Any]]) -> str:
    """One row a system, from the top; groups in colours of their own.

    Args:
        table: figures by system, in percent.
    """
    about = "Right answers by step of the recipe, with 95% intervals and what each step adds"
    groups = list(dict.fromkeys(row["group"] for row in table.values()))
    height = 0.9 + 0.27 * (len(table) + len(groups))
    with chart(about, height) as (axes, drawn):
        axes.figure.set_size_inches(WIDTH, height)
        place, places, labels, before = 0, [], [], ""
        for row in table.values():
            begins = row["group"] != before
            before = row["group"]
            place -= 2 if begins else 1
            colour = COLOURS[groups.index(before)]
            axes.plot((row["ci95_low"], row["ci95_high"]), (place, place), color=colour)
            axes.plot(row["accuracy"], place, "o", color=colour, markersize=4)
            axes.text(
                *(1.02, place, added(row, table)),
                transform=axes.get_yaxis_transform(),
                va="center",
                fontsize=8,
            )
            if begins:
                axes.text(0, place + 0.75, heading(row), va="center", fontsize=9, color=colour)
            places.append(place)
            labels.append(row["label"])
        axes.set_yticks(places, labels, fontsize=9)
        axes.set_xlim(0, 100)
        axes.set_ylim(place - 0.7, -0.7)
        axes.set_xlabel("right, %")
        axes.grid(axis="x", alpha=0.15, linewidth=0.7)
    return drawn.svg.replace("<svg ", f'<svg color="{GREY}" ', 1) + "\n"


def heading(row: Mapping[str, Any]) -> str:
    """A group in words."""
    return f"{row['group']}: {row['problems']} problems"


def added(row: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]]) -> str:
    """What a step adds, in points; "" for the first of a group."""
    if "against" not in row:
        return ""
    before = table[row["against"]]["label"].removesuffix(", greedy")
    return f"{row['difference']:+.1f} beside {before}, {p_value(row['p_value'])}"
