"""`numina solve`: solve one problem and show how."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from numina.cli.options import QUANTISED, AsJson, Changes, Model, Profiles, Traces, read_asked
from numina.errors import UserError


def solve(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="In English with LaTeX.")],
    model: Model = QUANTISED,
    profile: Profiles = None,
    changes: Changes = None,
    n: Traces = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the completions, for `engine.name: replay`."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Solve one problem by SC-TIR.

    Its traces are shown on standard error as they grow; the answer goes to standard output.

    \b
    Examples:
      numina solve "How many positive integers below 200 are divisible by 7 or by 11?"
      numina solve "What is $2^{10}$?" --n 16 --json > verdict.json
      numina solve "What is 2+3?" -S sctir.temperature=0.8
    """
    from numina.cli.story import ask, explain
    from numina.rows import check_output
    from numina.terminal import libraries_logged

    if not text.strip():
        raise UserError("TEXT: the problem is empty")
    params = read_asked(profile or [], changes or [], n)
    if record is not None:
        check_output(record)
    with libraries_logged("solve"):
        verdict = asyncio.run(ask(params, model, text, record))
    if as_json:
        print(json.dumps(dataclasses.asdict(verdict), ensure_ascii=False))
        return
    print(verdict.answer if verdict.answer is not None else "no answer")
    print(explain(verdict))
