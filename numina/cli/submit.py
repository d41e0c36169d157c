"""`numina submit`: play the contest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from numina.cli.options import QUANTISED, Model, Profiles
from numina.errors import UserError


def submit(
    model: Model = QUANTISED,
    profile: Profiles = None,
    problems: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Rows {id, problem}, served as in the contest; default: the contest's own.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The submission: id,answer.")] = Path(
        "submission.csv"
    ),
    scale: Annotated[
        float,
        typer.Option(
            metavar="X", help="Share of time_bank.budget_s for 50 problems; 0 there: 9 hours."
        ),
    ] = 1.0,
) -> None:
    """Play the contest and write submission.csv.

    \b
    Examples:
      numina submit --problems problems.jsonl --scale 0.1
      numina submit --profile kaggle-2xt4 --model DIR
    """
    from numina.contest.play import play
    from numina.profile import applied
    from numina.rows import check_output
    from numina.terminal import libraries_logged

    params = applied(profile or [])
    if not 0 < scale < float("inf"):
        raise UserError(f"--scale: must be a number above 0, got {scale}")
    check_output(out, *([problems] if problems else []))
    try:
        with libraries_logged("submit"):
            play(params, model, problems, out, scale)
    except KeyboardInterrupt:
        print(f"{out} has the answers so far", file=sys.stderr)
        raise
