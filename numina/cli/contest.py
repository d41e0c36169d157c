"""`numina contest plan`: what fits into a contest on this machine."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from numina.cli.options import QUANTISED, AsJson, Model, Profiles
from numina.cli.submit import ContestName
from numina.errors import UserError

app = typer.Typer(no_args_is_help=True, help="Prepare for a contest.")


@app.command()
def plan(
    contest: Annotated[ContestName, typer.Option(help="Whose rules.")] = "aimo",
    model: Model = QUANTISED,
    profile: Profiles = None,
    seconds: Annotated[float, typer.Option(metavar="S", help="To measure for.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Measure this machine and say what fits into a contest: problems, seconds each, traces.

    \b
    Examples:
      numina contest plan
      numina contest plan --contest aimo3 --profile kaggle-h100 --model DIR
    """
    from numina.contest.plan import plan as measured
    from numina.profile import applied
    from numina.terminal import libraries_logged

    params = applied(profile or [])
    if not 0 < seconds < float("inf"):
        raise UserError(f"--seconds: must be a number above 0, got {seconds}")
    with libraries_logged("contest"):
        found = measured(params, model, getattr(params.contests, contest), seconds)
    if as_json:
        print(json.dumps(dataclasses.asdict(found)))
        return
    print("\n".join(found.lines()))


@app.callback()
def group() -> None:
    """Prepare for a contest."""
