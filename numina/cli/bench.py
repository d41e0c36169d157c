"""`numina bench`: our code and baselines on the same work, in one run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from numina.cli.options import QUANTISED, AsJson, Model, read_with_traces
from numina.errors import UserError
from numina.settings.params import Params

MOST = 1_000_000  # problems of a run

File = Path | None


def bench(
    what: Annotated[
        Literal["sandbox", "soak", "sctir", "contest", "grade", "data", "leaks"],
        typer.Argument(metavar="WHAT", help="sandbox, soak, sctir, contest, grade, data or leaks"),
    ],
    traces: Annotated[File, typer.Option(metavar="FILE", help="sandbox: recorded traces")] = None,
    model: Model = QUANTISED,
    problems: Annotated[int, typer.Option(metavar="N", help="sctir: problems on the model")] = 8,
    n: Annotated[int, typer.Option(metavar="N", help="sctir: traces a problem")] = 16,
    replayed: Annotated[int, typer.Option(metavar="N", help="sctir: recorded problems")] = 2000,
    pairs: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="grade: more labelled pairs; can be repeated"),
    ] = None,
    rows: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="data: synthetic rows, by default 50000 and 500000"),
    ] = None,
    train: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="leaks: training rows")
    ] = None,
    validation: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="leaks: validation problems")
    ] = None,
    labels: Annotated[
        File, typer.Option(metavar="FILE", help="leaks: pairs of their ids {train, test, same}")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure our code and baselines on the same work, in one run.

    \b
    Examples:
      numina bench sctir --problems 4 --n 8
      numina bench grade --pairs FILE --pairs OTHER --json
      numina bench data --rows 5000 --rows 50000
      numina bench leaks --train FILE --validation FILE
    """
    from numina.terminal import libraries_logged

    sizes = rows or [50_000, 500_000]
    numbers = [("--problems", problems), ("--replayed", replayed)]
    for option, value in [*numbers, *(("--rows", size) for size in sizes)]:
        if not 1 <= value <= MOST:
            raise UserError(f"{option}: must be from 1 to {MOST}, got {value}")
    params = read_with_traces(n)
    with libraries_logged("bench"):
        if what == "sctir":
            from numina.bench import sctir

            found = sctir.bench(params, model, problems, n, replayed)
        elif what == "data":
            from numina.bench import data

            found = data.bench(sizes)
        elif what == "leaks":
            from numina.bench import leaks

            found = leaks.bench(params.dedup.coverage, train or [], validation or [], labels)
        else:
            found = without_model(what, params, traces, pairs or [])
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, row in found.items():
        if isinstance(row, dict):
            cells = "".join(f"  {key} {value}" for key, value in row.items())
            print(f"{name:16}{cells}")
        else:
            print(f"{name:16}  {row}")


def without_model(what: str, params: Params, traces: File, pairs: Sequence[Path]) -> dict[str, Any]:
    """Run the benchmarks that need no model."""
    if what == "contest":
        from numina.bench import contest

        return contest.bench(params)
    if what == "grade":
        from numina.bench import grade

        return grade.bench(pairs)
    from numina.bench import sandbox

    if what == "soak":
        return sandbox.soak(params.sandbox, params.hardware.sandbox)
    return sandbox.bench(params.sandbox, params.hardware.sandbox, traces)
