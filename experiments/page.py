"""Lay all experiments side by side on one page, each paired with the recipe.

    python -m experiments.page

It reads experiments/*/*score.json and writes reports/experiments.html, which needs no network. An
experiment without a score is listed as not run.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numina import entry
from numina.errors import UserError
from numina.measure.score import ALL
from numina.report import wording
from numina.report.charts import COLOURS, Series, chart, line_chart
from numina.rows import read_object, write_text

HERE = Path(__file__).parent
OUT = Path("reports/experiments.html")
REWARDS = {"reward": "reward", "right": "answer right", "ran": "program ran"}  # columns


def main() -> str:
    names = sorted(file.parent.name for file in HERE.glob("*/dvc.yaml"))
    rows = sorted(
        (read_score(file) for file in HERE.glob("*/*score.json")),
        key=lambda row: -row[ALL]["accuracy"],
    )
    # An experiment that measures speed alone has a result and no score.
    done = {row["name"] for row in rows} | {file.parent.name for file in HERE.glob("*/result.json")}
    lacking = [name for name in names if name not in done]
    ideas = {name: idea(HERE / name / "README.md") for name in names}
    pictures = {name: drawn(HERE / name) for name in names}
    write_text(OUT, render(rows, lacking, ideas, pictures))
    return f"{OUT}: {len(rows)} systems, {len(lacking)} experiments not run"


def read_score(file: Path) -> dict[str, Any]:
    """What `experiments.score` wrote.

    Raises:
        UserError: it is damaged, or was not written by it.
    """
    row = read_object(file, "name", "system", ALL)
    if not isinstance(row[ALL], dict) or "p_value" not in row[ALL]:
        raise UserError(f"{file}: field {ALL!r}: has no figures")
    return row


def idea(readme: Path) -> str:
    """The first paragraph of an experiment's README below its title, as plain text.

    Raises:
        UserError: there is no README.
    """
    try:
        parts = readme.read_text(encoding="utf-8").split("\n\n")
    except OSError as error:
        raise UserError(f"{readme}: {error.strerror}") from None
    first = next((part for part in parts if not part.startswith("#")), "")
    return " ".join(first.replace("`", "").split())


def drawn(folder: Path) -> list[str]:
    """The pictures that an experiment's stages wrote (*.svg); else the rewards of its training."""
    pictures = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.svg"))]
    rewards = folder / "rewards.csv"
    return pictures or ([rewards_chart(rewards)] if rewards.exists() else [])


def rewards_chart(file: Path) -> str:
    """The mean reward of the samples and its parts by round, as SVG."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    rounds = [int(row["round"]) for row in rows]
    series = [
        Series(words, rounds, [float(row[name]) for row in rows]) for name, words in REWARDS.items()
    ]
    return line_chart(series, "round", "mean of its samples", "Rewards of the training by round")


def render(
    rows: Sequence[dict[str, Any]],
    lacking: Sequence[str],
    ideas: dict[str, str],
    pictures: dict[str, list[str]] | None = None,
) -> str:
    """The page; everything other than our own markup and pictures is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["p_value"] = wording.p_value
    environment.filters["short_count"] = wording.short_count
    style = Path(wording.__file__).parent / "page.css"
    return environment.get_template("page.html.jinja").render(
        rows=rows,
        lacking=lacking,
        ideas=ideas,
        pictures=pictures or {},
        picture=differences_chart(rows) if rows else "",
        style=style.read_text(encoding="utf-8"),
    )


def differences_chart(rows: Sequence[dict[str, Any]]) -> str:
    """How far each system is from the recipe on the same problems, with intervals, as SVG."""
    about = "Difference from the recipe in percentage points, with 95% intervals"
    with chart(about, height=0.8 + 0.3 * len(rows)) as (axes, drawn):
        places = range(len(rows), 0, -1)
        for place, row in zip(places, rows, strict=True):
            found = row[ALL]
            axes.plot(
                (found["difference_low"], found["difference_high"]), (place, place), COLOURS[0]
            )
            axes.plot(found["difference"], place, "o", color=COLOURS[0], markersize=4)
        axes.axvline(0, color=COLOURS[1], linewidth=1, linestyle=(0, (2, 2)))
        axes.set_yticks(list(places), [row["system"] for row in rows])
        axes.set_xlabel("points from the recipe")
    return drawn.svg


if __name__ == "__main__":
    entry.run(main)
