"""Options that several commands have, and options that stand for a knob."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from numina.profile import merged
from numina.settings.params import Params, document, parse, read

Model = Annotated[Path, typer.Option("--model", metavar="DIR", help="The model's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Profiles = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Of profiles/; may be given again, the later ones on top."),
]
QUANTISED = Path("models/quantised")


def read_with(changes: Mapping[str, tuple[str, Any]]) -> Params:
    """params.yaml with the knobs changed that options stand for.

    Args:
        changes: by dotted key, the option's name and its value; None for one that was not given.

    Raises:
        UserError: params.yaml is wrong, or an option's value is not valid for its knob.
    """
    raw = document()
    params = parse(raw)
    for key, (option, value) in changes.items():
        if value is not None:
            raw = merged({key: value}, raw)
            params = parse(raw, option)
    return params


def read_with_traces(n: int | None) -> Params:
    """params.yaml with `--n` traces a problem; `sctir.at_once` is reduced to that if it is more.

    Raises:
        UserError: as `read_with`.
    """
    at_once = None if n is None else max(0, min(read().sctir.at_once, n))
    return read_with({"sctir.at_once": ("--n", at_once), "sctir.n": ("--n", n)})
