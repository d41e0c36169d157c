"""`numina data show`: rows of a stage of the data build, as a person reads them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, help="Look at the training data.")
StageName = Literal[
    "digitize", "collect", "dedup", "cot_data", "tir_data", "tir_select", "validation"
]


@app.callback()
def data() -> None:
    """Keeps `show` a command of its own."""


@app.command()
def show(
    stage: Annotated[StageName, typer.Argument(metavar="STAGE", help="Whose rows.")],
    n: Annotated[int, typer.Option(metavar="N", min=1, help="How many, drawn at random.")] = 3,
    seed: Annotated[int, typer.Option(metavar="SEED", min=0, help="Of the draw.")] = 0,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Rows that the stage left out, and why.")
    ] = False,
    rule: Annotated[
        str, typer.Option(metavar="RULE", help="Only rows that this rule left out.")
    ] = "",
) -> None:
    """Show random rows of a stage of the data build.

    STAGE is digitize, collect, dedup, cot_data, tir_data (attempts of teachers), tir_select or
    validation. Formulas stay LaTeX; programs and their outputs are set apart. The same seed shows
    the same rows.

    \b
    Examples:
      numina data show tir_select
      numina data show cot_data --n 10 --seed 7
      numina data show dedup --rejected --rule leak | less
    """
    from numina.cli.drawn_rows import attempts, kept_rows, rejected_rows
    from numina.cli.shown_rows import attempt_as_text, removal_as_text, row_as_text

    if rejected or rule:
        left_out, total, found = rejected_rows(stage, rule, n, seed)
        texts = [removal_as_text(removal) for removal in left_out]
    elif stage == "tir_data":
        tried, total, found = attempts(n, seed)
        texts = [attempt_as_text(*one) for one in tried]
    else:
        kept, total, found = kept_rows(stage, n, seed)
        texts = [row_as_text(row) for row in kept]
    for number, text in enumerate(texts, 1):
        print(f"── {number} of {total:,} in {found}\n{text}\n")
