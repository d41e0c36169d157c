"""The CSV tables that the report reads, as typed rows."""

from __future__ import annotations

import csv
import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from numina.errors import UserError
from numina.rows import existing

Share = Annotated[float, Field(ge=0, le=1)]
Row = TypeVar("Row", "CurveRow", "DepthRow", "BreakdownRow", "OutcomeRow", "LossRow")


@dataclass(frozen=True, slots=True)
class CurveRow:
    """Accuracy of votes of k traces; see `numina.measure.curves.CurvePoint`."""

    split: str
    k: int
    accuracy: Share
    low: Share
    high: Share
    pass_at_k: Share | None  # None if it is not known
    guessed: int


@dataclass(frozen=True, slots=True)
class DepthRow:
    """Accuracy of votes of traces that run `depth` programs at most; see `numina.measure.depth`."""

    split: str
    depth: int
    accuracy: Share
    low: Share
    high: Share
    guessed: int


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """Accuracy on a part of a split: a year, a contest, a level, a subject."""

    split: str
    by: str
    part: str
    system: str
    accuracy: Share
    ci95_low: Share
    ci95_high: Share
    n: int
    undecided: int


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """The share of the seeds with which a system got a problem right."""

    split: str
    problem: str
    system: str
    right: Share


@dataclass(frozen=True, slots=True)
class LossRow:
    """An optimiser step; the loss is in nats a trained token."""

    step: int
    loss: float


def read_table(file: Path, kind: type[Row]) -> list[Row]:
    """The rows of a CSV file; columns that `kind` does not have are ignored.

    Raises:
        UserError: as `parse_table`, or the file is missing.
    """
    text = existing(file).read_text(encoding="utf-8")
    return [row for _, row in parse_table(text, str(file), kind)]


def parse_table(text: str, where: str, kind: type[Row]) -> list[tuple[int, Row]]:
    """The rows of a CSV text, each with its line number.

    Raises:
        UserError: a column is missing, a row is too long, or a field is not valid, with the line,
            the field and its value.
    """
    table = csv.DictReader(io.StringIO(text))
    for field in dataclasses.fields(kind):
        if field.name not in (table.fieldnames or ()):
            raise UserError(f"{where}, line 1: column {field.name!r} is missing")
    adapter, rows = TypeAdapter(kind), []
    for fields in table:
        at = f"{where}, line {table.line_num}"
        if None in fields:
            raise UserError(f"{at}: more fields than columns")
        try:
            row = adapter.validate_python({name: text or None for name, text in fields.items()})
        except ValidationError as error:
            first = error.errors()[0]
            message = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
            raise UserError(
                f"{at}: field {first['loc'][0]!r}: {message} (got {first['input']!r})"
            ) from None
        rows.append((table.line_num, row))
    return rows
