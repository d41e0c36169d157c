"""Grade a file of pairs: whole numbers at once, hard pairs in all processes side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from numina.answer.equal import Equality, digits, equal
from numina.errors import UserError
from numina.machine import CORES
from numina.progress import progress_bar
from numina.rows import check_output, read_lines, write_rows

Pair = tuple[str, str]  # prediction, gold


def grade_file(source: Path, target: Path) -> None:
    """Grade rows ``{id, prediction, gold}``; write ``{id, equal, status, method}`` in their order.

    An id is text or a number.
    `equal` is true, false or null; `status` is ``decided``, ``undecided``, ``timeout``, ``crash``.

    Raises:
        UserError: a line is not a JSON object, a field is missing, empty or not text, or an id is
            there twice, with the file, the line and the field; there are no rows; or the target
            cannot be written. Nothing is written then.
    """
    check_output(target, source)
    rows = read_pairs(source)
    with progress_bar(len(rows), "pairs") as bar:
        verdicts = grade([(row["prediction"], row["gold"]) for row in rows], bar.update)
    write_rows(
        target,
        [
            {"id": row["id"], "equal": done.equal, "status": done.status, "method": done.method}
            for row, done in zip(rows, verdicts, strict=True)
        ],
    )


def grade(pairs: Sequence[Pair], advance: Callable[[int], Any] = lambda _: None) -> list[Equality]:
    """Decide all pairs; `advance` is told how many more are done."""
    hard: dict[Pair, list[int]] = {}
    verdicts: list[Equality | None] = []
    for place, pair in enumerate(pairs):
        if digits(pair[0]) is not None and digits(pair[1]) is not None:
            verdicts.append(equal(*pair))
        else:
            verdicts.append(None)
            hard.setdefault(pair, []).append(place)
    advance(len(pairs) - sum(map(len, hard.values())))
    with ThreadPoolExecutor(2 * CORES) as threads:
        decided = threads.map(lambda pair: equal(*pair), hard)
        for verdict, places in zip(decided, hard.values(), strict=True):
            for place in places:
                verdicts[place] = verdict
            advance(len(places))
    return [verdict for verdict in verdicts if verdict is not None]


def read_pairs(source: Path) -> list[dict[str, Any]]:
    """Read the rows and check them.

    Raises:
        UserError: as `grade_file`.
    """
    rows: list[dict[str, Any]] = []
    seen: dict[str | int, int] = {}
    for number, row in read_lines(source):
        where = f"{source}, line {number}"
        for field in ("id", "prediction", "gold"):
            if field not in row:
                raise UserError(f"{where}: field {field!r} is missing")
            value, numbered = row[field], field == "id" and type(row[field]) is int
            if not isinstance(value, str) and not numbered:
                raise UserError(f"{where}: field {field!r} must be text, got {value!r}")
            if field != "prediction" and not str(value).strip():
                raise UserError(f"{where}: field {field!r} is empty")
        if row["id"] in seen:
            raise UserError(
                f"{where}: field 'id': {row['id']!r} is already in line {seen[row['id']]}"
            )
        seen[row["id"]] = number
        rows.append(row)
    if not rows:
        raise UserError(f"{source}: holds no rows")
    return rows
