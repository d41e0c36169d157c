"""NuminaMath's published validation sets: how a row is read, and how MATH was cut.

The sets are AMC 12 2022-23 (83 problems), AIME 2022-24 (90), and the problems of the MATH test of
levels 4 and 5 whose answer is a whole number (754 and 721), as in
https://huggingface.co/datasets/AI-MO/aimo-validation-amc and its three sisters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from numina.answer.equal import as_integer
from numina.answer.find import last_box
from numina.errors import UserError
from numina.records.problem import Problem
from numina.sources.reading import (
    answer_of,
    content_hash,
    level_of,
    present,
    read_fields,
    source_problem,
)

Placed = tuple[str, Mapping[str, Any]]  # a row with its file and line, for messages

MISREAD = "base-n subscript: float() reads the underscore as a digit separator"
# The 12 base-n answers after MISREAD, for copies of the sets that have only these numbers.
MISREAD_GOLDS = {
    *(89, 2045, 3859, 11014, 12023, 21126, 25168, 41305, 76028, 110102),
    *(-2213, 11121123),
}
WIKI_PAGE = re.compile(r"/(\d{4})_((?:AMC|AIME)_\w+?)_Problems")


def whole_by_float(text: str) -> int | None:
    """The number that Python's `float` reads in a text if it is whole; else None."""
    try:
        whole = float(text).is_integer()
    except ValueError:
        return None
    if not whole:
        return None
    # int() if it can read the text (it also accepts underscores): a float is inexact above 2**53.
    return int(text) if re.fullmatch(r"\s*[+-]?[\d_]+\s*", text) else int(float(text))


def cut_level(rows: Iterable[Placed], level: int) -> list[Problem]:
    """The published set of a level, from the whole MATH test.

    The rule: take the last box of the solution; keep the row if `float` reads its content as a
    whole number. This accepts base-n answers because `float("1202_3")` is 12023.0: they are kept,
    as published, and marked `unsound`.

    Raises:
        UserError: a field is missing or of the wrong type, with its place.
    """
    problems = []
    for where, row in rows:
        if level_of(row, where) != level:
            continue
        solution = row.get("solution")
        if not isinstance(solution, str):
            raise UserError(f"{where}: field 'solution' must be text, got {solution!r}")
        box = last_box(solution)
        if box is not None and whole_by_float(box) is not None:
            problems.append(published_problem({**row, "answer": box}, where))
    return problems


def published_problem(row: Mapping[str, Any], where: str, prefix: str = "") -> Problem:
    """A problem from a row of a published set, or of a local file of the same form.

    Fields are read by `source_problem`; the contest is taken from the fields `contest`
    and `year`, else from the wiki page in `url`.

    Args:
        row: `id`, `problem`, `answer`, and optional fields.
        where: the place of the row, for messages.
        prefix: put before an id that is a bare number, to make ids unique over all splits.

    Raises:
        UserError: a field is missing or of the wrong type, or the answer is not a whole number.
    """
    fields = present(row)
    problem = source_problem({**fields, "contest": ""}, where, prefix)
    whole = whole_by_float(problem.answer)
    if whole is None:
        whole = as_integer(problem.answer)
    if whole is None:
        raise UserError(f"{where}: field 'answer': {problem.answer!r} is not a whole number")
    solved_as = [problem.answer, last_box(problem.solution) or ""]
    misread = any("_" in text and whole_by_float(text) == whole for text in solved_as)
    if whole in MISREAD_GOLDS and "base" in problem.problem:
        misread = True
    return Problem(
        id=problem.id,
        problem=problem.problem,
        answer=str(whole),
        source=problem.source,
        solution=problem.solution,
        subject=problem.subject or str(fields.get("type", "")),
        level=problem.level,
        contest=contest_of(fields),
        unsound=MISREAD if misread else problem.unsound,
    )


def gsm8k_problem(row: Mapping[str, Any], where: str, prefix: str = "") -> Problem:
    """A problem from a row of GSM8K: ``question`` and ``answer``, a solution that ends in a line
    ``#### 72``; or from a row with the columns of other files.

    Args:
        row: if it has no `id`, a hash of its content is taken.
        where: the place of the row, for messages.
        prefix: of such ids, and of bare numbers.

    Raises:
        UserError: as `published_problem`.
    """
    columns = {"problem": "question", "solution": "answer"} if "question" in row else {}
    fields = read_fields(row, columns)
    fields.setdefault("id", f"{prefix}{content_hash(fields)}")
    return published_problem({**fields, "answer": answer_of(fields)}, where, prefix)


def contest_of(row: Mapping[str, Any]) -> str:
    """The contest with its year, such as `AMC 12A 2022`; "" if the row does not say."""
    contest, year = str(row.get("contest", "")), str(row.get("year", ""))
    if contest:
        return contest if year in contest else f"{contest} {year}"
    page = WIKI_PAGE.search(str(row.get("url", "")))
    return f"{page[2].replace('_', ' ')} {page[1]}" if page else ""
