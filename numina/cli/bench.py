"""`numina bench`: our code and baselines on the same work, in one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from numina.cli.options import QUANTISED, AsJson, Model, read_with_traces
from numina.errors import UserError
from numina.settings.params import read
from numina.terminal import libraries_logged

MOST = 1_000_000  # problems, rows or steps of a run

Found = dict[str, Any]
Trained = Annotated[
    Path | None,
    typer.Option("--model", metavar="DIR", help="To be trained; default: a small one, made here."),
]
Solved = Annotated[
    Path | None,
    typer.Option("--rows", metavar="FILE", help="Solved problems; default: our families'."),
]
app = typer.Typer(
    no_args_is_help=True, help="Measure our code and baselines on the same work, in one run."
)


@app.callback()
def group() -> None:
    """Measure our code and baselines on the same work, in one run.

    \b
    Examples:
      numina bench sctir --problems 4 --n 8
      numina bench grade --pairs FILE --pairs OTHER --json
      numina bench train --help
    """


@app.command()
def sandbox(
    traces: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded traces; default: some of ours.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Programs in our sandbox and in the notebook's.

    \b
    Example:
      numina bench sandbox --traces FILE
    """
    from numina.bench.sandbox import bench

    params = read()
    show(lambda: bench(params.sandbox, params.hardware.sandbox, traces), as_json)


@app.command()
def soak(as_json: AsJson = False) -> None:
    """Thousands of sandbox sessions, some of them hostile: what is left afterwards.

    \b
    Example:
      numina bench soak --json
    """
    from numina.bench.sandbox import soak

    params = read()
    show(lambda: soak(params.sandbox, params.hardware.sandbox), as_json)


@app.command()
def sctir(
    model: Model = QUANTISED,
    problems: Annotated[int, typer.Option(metavar="N", help="Solved with the model.")] = 8,
    n: Annotated[int, typer.Option(metavar="N", help="Traces a problem.")] = 16,
    replayed: Annotated[int, typer.Option(metavar="N", help="Problems of the recording.")] = 2000,
    as_json: AsJson = False,
) -> None:
    """Our SC-TIR and the winners' loop.

    \b
    Example:
      numina bench sctir --problems 4 --n 8
    """
    from numina.bench.sctir import bench

    refuse_outside("--problems", problems)
    refuse_outside("--replayed", replayed)
    params = read_with_traces(n)
    show(lambda: bench(params, model, problems, n, replayed), as_json)


@app.command()
def contest(as_json: AsJson = False) -> None:
    """The time bank against a fixed loop, over orders of a contest's problems.

    \b
    Example:
      numina bench contest
    """
    from numina.bench.contest import bench

    params = read()
    show(lambda: bench(params), as_json)


@app.command()
def grade(
    pairs: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="More labelled pairs; can be given again."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Our grader and Math-Verify on labelled pairs of answers.

    \b
    Example:
      numina bench grade --pairs FILE --pairs OTHER
    """
    from numina.bench.grade import bench

    show(lambda: bench(pairs or []), as_json)


@app.command()
def train(
    model: Trained = None,
    rows: Solved = None,
    steps: Annotated[int, typer.Option(metavar="N", help="Optimiser steps.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Our training and a plain TRL script.

    \b
    Example:
      numina bench train --model models/base --rows data/cot/train --steps 20
    """
    from numina.bench.train import bench

    refuse_outside("--steps", steps, least=3)  # the first is not measured
    params = read()
    show(lambda: bench(params, model, rows, steps), as_json)


@app.command()
def packing(
    model: Trained = None,
    rows: Solved = None,
    steps: Annotated[int, typer.Option(metavar="N", help="Optimiser steps a turn.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Ways to put samples into blocks: real tokens, and tokens a second of training.

    \b
    Example:
      numina bench packing --model models/base --rows data/tir/train
    """
    from numina.bench.packing import bench

    refuse_outside("--steps", steps)
    params = read()
    show(lambda: bench(params, model, rows, steps), as_json)


@app.command()
def data(
    rows: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Synthetic rows; default: 50000 and 500000."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Tokenizer; default: a small one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The data build on synthetic rows, to training's tokens: speed, memory, growth.

    \b
    Example:
      numina bench data --rows 5000 --rows 50000
    """
    from numina.bench.data import bench

    sizes = rows or [50_000, 500_000]
    for size in sizes:
        refuse_outside("--rows", size)
    show(lambda: bench(sizes, model), as_json)


@app.command()
def leaks(
    train: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Training rows.")] = None,
    validation: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Validation problems.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Pairs of their ids {train, test, same}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rules that find validation problems in training rows: precision and recall.

    \b
    Example:
      numina bench leaks --train FILE --validation FILE
    """
    from numina.bench.leaks import bench

    coverage = read().dedup.coverage
    show(lambda: bench(coverage, train or [], validation or [], labels), as_json)


@app.command()
def digitize(
    exam: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A PDF; can be given again. Default: exams of our own."),
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="What it should read: its .tex, or JSONL."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Exams cut into problems and solutions: found, right, character error rate.

    \b
    Example:
      numina bench digitize --exam exam.pdf --labels exam.tex
    """
    from numina.bench.digitize import bench

    params = read()
    show(lambda: bench(params, exam or [], labels or []), as_json)


def refuse_outside(option: str, value: int, least: int = 1) -> None:
    """Check the value of an option.

    Raises:
        UserError: it is outside of its limits.
    """
    if not least <= value <= MOST:
        raise UserError(f"{option}: must be from {least} to {MOST}, got {value}")


def show(bench: Callable[[], Found], as_json: bool) -> None:
    """Run a benchmark and print what it found."""
    with libraries_logged("bench"):
        found = bench()
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, row in found.items():
        if isinstance(row, dict):
            cells = "".join(f"  {key} {value}" for key, value in row.items())
            print(f"{name:16}{cells}")
        else:
            print(f"{name:16}  {row}")
