"""`numina params`: every knob, its value, what it means, and who reads it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from numina.cli import complete
from numina.cli.options import AsJson
from numina.errors import UserError


def params(
    prefix: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="Only this section or knob, such as sctir.",
            autocompletion=complete.sections_and_knobs,
        ),
    ] = "",
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As docs/knobs.md has them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show every knob of params.yaml: its value, what it means, and the stages that read it.

    \b
    Examples:
      numina params
      numina params sctir
      numina params hardware.server --json
    """
    from numina.cli.knobs import knobs, table

    found = [
        knob
        for knob in knobs(Path("params.yaml"), Path("dvc.yaml"))
        if not prefix or f"{knob.key}.".startswith(f"{prefix}.")
    ]
    if not found:
        raise UserError(f"params.yaml has no key {prefix!r}")
    if as_json:
        print(json.dumps([dataclasses.asdict(knob) for knob in found], ensure_ascii=False))
    elif markdown:
        print(table(found), end="")
    else:
        for knob in found:
            print(f"{knob.key} = {knob.value}    [{knob.readers}]")
            if knob.meaning:
                print(f"    {knob.meaning}")
