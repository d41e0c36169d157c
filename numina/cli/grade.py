"""`numina grade`: decide whether answers equal their golds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def grade(
    jsonl: Annotated[
        tuple[Path, Path],
        typer.Option(
            "--jsonl",
            metavar="IN OUT",
            help="Rows {id, prediction, gold} to rows {id, equal, status, method}.",
        ),
    ],
) -> None:
    """Decide whether answers equal their golds.

    \b
    Examples:
      numina grade --jsonl pairs.jsonl verdicts.jsonl
      numina grade --jsonl pairs.jsonl.gz /dev/stdout | head
    """
    from numina.answer.grade import grade_file

    grade_file(*jsonl)
