"""The columns of records: a dataclass as an Arrow schema, its instances as arrays, and back."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from numina.errors import UserError

Record = TypeVar("Record")


def schema_of(kind: type) -> Any:
    """The Arrow schema of a dataclass of text, numbers, lists of text, and dataclasses or None."""
    import pyarrow as pa

    plain = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    plain[list[str]] = pa.list_(pa.string())
    fields = []
    for name, hint in typing.get_type_hints(kind).items():
        if inner := optional_record(hint):
            fields.append(pa.field(name, pa.struct(schema_of(inner))))
        else:
            fields.append(pa.field(name, plain[hint], nullable=False))
    return pa.schema(fields)


def optional_record(hint: Any) -> type | None:
    """The dataclass of a type ``Dataclass | None``; None for other types."""
    if not isinstance(hint, types.UnionType):
        return None
    return next(filter(dataclasses.is_dataclass, typing.get_args(hint)), None)


def column_of(records: Sequence[Any], field: Any) -> Any:
    """The values of a field in some records, as an Arrow array.

    Raises:
        UserError: one does not fit the field, with the record's first field.
    """
    import pyarrow as pa

    values = [getattr(record, field.name) for record in records]
    values = [dataclasses.asdict(one) if dataclasses.is_dataclass(one) else one for one in values]  # pyright: ignore[reportArgumentType]
    try:
        return pa.array(values, field.type)
    except (pa.ArrowException, OverflowError, UnicodeError, TypeError) as error:
        for record, value in zip(records, values, strict=True):
            try:
                pa.array([value], field.type)
            except (pa.ArrowException, OverflowError, UnicodeError, TypeError) as reason:
                first = getattr(record, dataclasses.fields(record)[0].name)
                raise UserError(f"row {first!r}: field {field.name!r}: {reason}") from None
        raise UserError(f"field {field.name!r}: {error}") from None


def records_of(batch: Any, kind: type[Record]) -> Iterator[Record]:
    """The records of a batch with the columns of their class."""
    columns = []
    for name, hint in typing.get_type_hints(kind).items():
        values = batch.column(name).to_pylist()
        inner = optional_record(hint)
        columns.append([one and inner(**one) for one in values] if inner else values)
    return map(kind, *columns)


def check_columns(file: Path, found: Any, kind: type) -> None:
    """Refuse a shard of other records.

    Raises:
        UserError: with the first column that differs.
    """
    for field in schema_of(kind):
        if field.name not in found.names:
            raise UserError(f"{file}: there is no column {field.name!r}")
        there = found.field(field.name).type
        if there != field.type:
            raise UserError(f"{file}: column {field.name!r} is {there}, not {field.type}")
