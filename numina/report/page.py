"""The report: one static page that says what ran, how well, at what cost, and shows traces.

It stands alone: styles, script, pictures and data are in it, and its own rules (a content security
policy) forbid the browser to fetch anything or to run any other script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.measure.systems import SYSTEMS, SystemLabels, quantisation_name
from numina.report import wording
from numina.report.browser import compact
from numina.report.compare import Comparison, Previous
from numina.report.provenance import Commit
from numina.report.reference import Published
from numina.report.tables import Division, Part, Tally

HERE = Path(__file__).parent
Costs = list[tuple[str, str, dict[str, float | None]]]


@dataclass(frozen=True, slots=True)
class Content:
    """All that the page shows.

    Attributes:
        labels: of the systems.
        title: the one figure of the run.
        headline: sentences.
        results: by split.
        steps: what each step of the recipe adds.
        previous: against the last commit.
        divisions: by year, contest, level, subject.
        elsewhere: published figures on other problems.
        majority, loss, dag: SVG.
        ends, programs: of traces, and of the programs in them.
        costs: see `tables.cost_rows`.
        stops: why votes were closed, and how many.
        saved: the share of the tokens that was saved by closing them early.
        rounds: of the TIR data.
        quantisation: the quantiser's own record.
        browser: see `browser.browser_data`.
        facts: what ran, in names and words.
        hashes: of what the stages wrote.
        commit: that the run started from.
        params: the text of params.yaml.
    """

    labels: SystemLabels
    title: str
    headline: list[str]
    results: list[Part]
    steps: dict[str, Comparison]
    previous: Previous
    divisions: list[Division]
    elsewhere: list[Published]
    majority: str
    loss: str
    dag: str
    ends: Tally
    programs: Tally
    costs: Costs
    stops: dict[str, int]
    saved: float
    rounds: Mapping[str, Mapping[str, int]]
    quantisation: Mapping[str, Any]
    browser: dict[str, Any]
    facts: dict[str, str]
    hashes: dict[str, str]
    commit: Commit | None
    params: str


def render(content: Content) -> str:
    """The page; everything that is not markup of ours is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    for word in ("percent", "points", "interval", "p_value", "short_count", "duration", "plain"):
        environment.filters[word] = getattr(wording, word)
    script = (HERE / "browser.js").read_text(encoding="utf-8")
    labels = content.labels
    words = {"names": labels.long, "short": labels.short, "ends": wording.ENDS}
    splits = {part.name: wording.plain(part.name) for part in content.results}
    return environment.get_template("page.html.jinja").render(
        content=content,
        wording=wording,
        colours={system.name: f"system-{place}" for place, system in enumerate(SYSTEMS)},
        quantisation=quantisation_name(content.quantisation),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=compact({**content.browser, **words, "splits": splits}),
    )
