"""The report: one static page with what ran, how well and at what cost, and the traces.

It is self-contained: styles, script, pictures and data are in it, and its content security policy
forbids the browser to fetch anything or to run any other script.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from numina.measure.systems import SCTIR, SYSTEMS, quantisation_name
from numina.report import wording
from numina.report.browser import compact
from numina.report.content import Content

HERE = Path(__file__).parent
# One after another, in one element.
SCRIPTS = ("drawing.js", "page.js", "browser.js", "grid.js", "takeaway.js")


def render(content: Content) -> str:
    """The page; everything other than our own markup is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    filters = ("percent", "points", "interval", "p_value", "short_count", "duration", "plain")
    for word in filters:
        environment.filters[word] = getattr(wording, word)
    script = "".join((HERE / file).read_text(encoding="utf-8") for file in SCRIPTS)
    labels = content.labels
    splits = {part.name: wording.plain(part.name) for part in content.results}
    data = {
        **content.browser,
        "grid": content.grid,
        "takeaway": content.takeaway,
        "names": labels.long,
        "short": labels.short,
        "splits": splits,
        "ends": wording.ENDS,
        "ties": wording.TIES,
    }
    return environment.get_template("page.html.jinja").render(
        content=content,
        wording=wording,
        voted=SCTIR.name,
        colours={system.name: f"system-{place}" for place, system in enumerate(SYSTEMS)},
        quantisation=quantisation_name(content.quantisation),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=compact(data),
    )
