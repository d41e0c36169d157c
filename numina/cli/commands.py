"""The table of the commands, each in a file of its own."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from numina.cli import (
    bench,
    clean,
    contest,
    data,
    demo,
    doctor,
    exec,
    grade,
    params,
    push,
    run,
    solve,
    spread,
    submit,
)

COMMANDS = {
    "run": run.run,
    "solve": solve.solve,
    "demo": demo.demo,
    "submit": submit.submit,
    "exec": exec.execute,
    "grade": grade.grade,
    "spread": spread.spread,
    "doctor": doctor.doctor,
    "push": push.push,
    "clean": clean.clean,
    "params": params.params,
}


def show_version(asked: bool) -> None:
    """Show the version and exit."""
    if asked:
        print(f"numina {metadata.version('numina')}")
        raise typer.Exit


def numina(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """A competition-maths agent: train it, ask it, measure it.

    \b
    Examples:
      numina run real-sets -S sctir.n=16
      numina solve "What is $2^{10}$?"
      numina demo
      numina --install-completion
    """


app = typer.Typer(
    callback=numina,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(contest.app, name="contest")
app.add_typer(data.app, name="data")
app.add_typer(bench.app, name="bench")
