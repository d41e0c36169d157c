"""`numina spread`: a per-row step of the data build, shard by shard, here or on a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from numina.errors import UserError


def spread(
    step: Annotated[str, typer.Argument(metavar="STEP", help="leaks or ready.")],
    rows: Annotated[Path, typer.Argument(metavar="ROWS", help="A folder of shards.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where the shards go.")],
    validation: Annotated[
        Path, typer.Option(metavar="DIR", help="The validation splits, for leaks.")
    ] = Path("data/validation"),
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Tasks side by side; one is one shard.")
    ] = 2,
    slurm: Annotated[
        str, typer.Option(metavar="PARTITION", help="Run them as an array job of Slurm.")
    ] = "",
    time: Annotated[str, typer.Option(metavar="H:M:S", help="Slurm: of a task.")] = "4:00:00",
) -> None:
    """Run a per-row step of the data build on every shard, with datatrove.

    A run that ends early is started again with the same line, and does the shards that are missing.

    \b
    Examples:
      numina spread leaks data/collected/problems data/unleaked --workers 16
      numina spread ready data/clean/problems data/checked --slurm cpu --workers 200
    """
    from numina.corpus.spread import STEPS, OnShard
    from numina.corpus.spread import spread as run
    from numina.settings.params import read

    try:
        from datatrove.executor import LocalPipelineExecutor, SlurmPipelineExecutor
    except ImportError:
        raise UserError("numina spread needs datatrove: pip install -e '.[cluster]'") from None
    if step not in STEPS:
        raise UserError(f"no step {step!r}; there are {', '.join(STEPS)}")
    task = OnShard(step, rows.resolve(), out.resolve(), validation.resolve(), read())
    if slurm:
        counts = run(task, SlurmPipelineExecutor, workers=workers, partition=slurm, time=time)
    else:
        counts = run(task, LocalPipelineExecutor, workers=workers)
    if counts is None:
        print(f"{out}: waits for Slurm; the same line, once more when its jobs are done, counts")
        return
    print(json.dumps(counts))
