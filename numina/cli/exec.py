"""`numina exec`: run Python in the sandbox."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from numina.cli.options import read_with
from numina.errors import UserError


def execute(
    jsonl: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--jsonl",
            metavar="IN OUT",
            help="Rows {id, blocks: [code, ...]} to rows {id, results: [...]}; a session a row.",
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="S", help="Wall-clock seconds a block.")
    ] = None,
    memory: Annotated[int | None, typer.Option(metavar="MB", help="Memory of a session.")] = None,
) -> None:
    """Run Python in the sandbox; results as JSON.

    Without --jsonl it runs a program from standard input.

    \b
    Examples:
      echo 'sum(range(10))' | numina exec
      numina exec --timeout 10 --jsonl programs.jsonl results.jsonl
    """
    from numina.sandbox.pool import run_programs

    params = read_with(
        {"sandbox.timeout_s": ("--timeout", timeout), "sandbox.memory_mb": ("--memory", memory)}
    )
    if jsonl is None:
        program = sys.stdin.buffer.read()
        ((result,),) = run_programs(params.sandbox, params.hardware.sandbox, [[program]])
        print(json.dumps(result.as_dict(), ensure_ascii=False))
        return
    from numina.progress import progress_bar
    from numina.rows import check_output, write_rows

    source, target = jsonl
    check_output(target, source)
    rows = read_programs(source)
    programs = [row["blocks"] for row in rows]
    with progress_bar(len(rows), "sessions") as bar:
        done = run_programs(params.sandbox, params.hardware.sandbox, programs, bar.update)
    results = (
        {"id": row["id"], "results": [result.as_dict() for result in results]}
        for row, results in zip(rows, done, strict=True)
    )
    write_rows(target, results)


def read_programs(source: Path) -> list[dict[str, Any]]:
    """Read rows ``{id, blocks}``.

    Raises:
        UserError: the file has no rows, or one is not such a row, with its line.
    """
    from numina.rows import read_lines

    rows = []
    for number, row in read_lines(source):
        where = f"{source}, line {number}"
        blocks = row.get("blocks")
        if row.get("id") in (None, "") or not isinstance(blocks, list):
            raise UserError(f"{where}: needs an 'id' and a list of 'blocks'")
        if not all(isinstance(block, str) for block in blocks):
            raise UserError(f"{where}: field 'blocks': a block is not text")
        rows.append(row)
    if not rows:
        raise UserError(f"{source}: holds no rows")
    return rows
