"""`numina submit`: play the contest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from numina.cli.options import QUANTISED, Model, Profiles
from numina.errors import UserError

ContestName = Literal["aimo", "aimo2", "aimo3", "local"]


def submit(
    contest: Annotated[
        ContestName | None,
        typer.Option(help="Whose protocol and rules; default: local with --problems, else aimo."),
    ] = None,
    model: Model = QUANTISED,
    profile: Profiles = None,
    problems: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="local: rows {id, problem}. aimo2, aimo3: the CSV file for Kaggle's local "
            "gateway; default: the contest's test.csv.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="local: the submission, id,answer.")
    ] = Path("submission.csv"),
    scale: Annotated[
        float, typer.Option(metavar="X", help="Share of the contest's budget that is used.")
    ] = 1.0,
) -> None:
    """Play a contest.

    Every problem is answered, by its deadline; a run that is started again goes on where it was.
    The rules are in `contests` of params.yaml.

    \b
    Examples:
      numina submit --problems problems.jsonl --scale 0.1
      numina submit --contest aimo3 --profile kaggle-h100 --model DIR
      numina submit --contest aimo2 --problems test.csv
    """
    from numina.contest.play import play
    from numina.profile import applied
    from numina.rows import check_output
    from numina.terminal import libraries_logged

    params = applied(profile or [])
    if not 0 < scale < float("inf"):
        raise UserError(f"--scale: must be a number above 0, got {scale}")
    name = contest or ("local" if problems else "aimo")
    if name == "aimo" and problems:
        raise UserError("--problems: the module `aimo` has its own; --contest local takes a file")
    if name == "local":
        check_output(out, *([problems] if problems else []))
    try:
        with libraries_logged("submit"):
            play(params, model, name, problems, out, scale)
    except KeyboardInterrupt:
        if name == "local":
            print(f"{out} has the answers so far", file=sys.stderr)
        raise
