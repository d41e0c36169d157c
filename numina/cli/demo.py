"""`numina demo`: a web page to ask problems."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from numina.cli.options import QUANTISED, Changes, Model, Profiles, Traces, read_asked
from numina.errors import UserError


def demo(
    model: Model = QUANTISED,
    profile: Profiles = None,
    changes: Changes = None,
    n: Traces = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 lets others in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="0 takes a free one.")] = 7860,
    seconds: Annotated[
        float, typer.Option(metavar="S", help="For a problem; then its best vote so far stands.")
    ] = 300.0,
    at_once: Annotated[
        int, typer.Option(metavar="K", help="Problems solved side by side; others wait.")
    ] = 2,
) -> None:
    """Open a web page to ask problems and watch them being solved.

    Traces grow side by side, with their programs and outputs; votes are bars; the answer stands
    with its certificate or its doubts. Nothing leaves this machine.

    \b
    Examples:
      numina demo
      numina demo --model models/tir --n 9 --port 8000
      numina demo --profile kaggle-h100 --model DIR --host 0.0.0.0 --at-once 8
      numina demo -S engine.name=server -S 'hardware.server.urls=[http://localhost:8000/v1]'
    """
    from numina.demo.desk import Terms
    from numina.demo.serve import serve
    from numina.terminal import libraries_logged

    if not 0 < seconds < float("inf"):
        raise UserError(f"--seconds: must be a number above 0, got {seconds}")
    if at_once < 1:
        raise UserError(f"--at-once: must be at least 1, got {at_once}")
    params = read_asked(profile or [], changes or [], n)
    with libraries_logged("demo"):
        asyncio.run(serve(params, model, host, port, Terms(at_once, seconds)))
