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
from numina.rows import read_lines, write_rows

Pair = tuple[str, str]  # prediction, gold


def grade_file(source: Path, target: Path) -> None:
    """Grade rows ``{id, prediction, gold}``; write ``{id, equal, status, method}`` in their order.

    An id is text or a number.
    `equal` is true, false or null; `status` is ``decided``, ``undecided``, ``timeout``, ``crash``.

    Raises:
        UserError: a line is no JSON object, a field is missing or no text, or an id is there twice,
            with the file, the line and the field. Nothing is written then.
    """
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
    try:
        rows = list(read_lines(source))
    except (OSError, ValueError) as error:
        raise UserError(f"--jsonl: {error}") from None
    seen: dict[str | int, int] = {}
    for line, row in rows:
        for field in ("id", "prediction", "gold"):
            if field not in row:
                raise UserError(f"{source}:{line}: field {field!r} is missing")
            if not isinstance(row[field], str if field != "id" else str | int):
                raise UserError(
                    f"{source}:{line}: field {field!r} must be text, got {row[field]!r}"
                )
        if row["id"] in seen:
            raise UserError(
                f"{source}:{line}: field 'id': {row['id']!r} is already in line {seen[row['id']]}"
            )
        seen[row["id"]] = line
    return [row for _, row in rows]
