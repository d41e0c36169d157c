"""The base class and types of the sections of params.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # the largest that numpy accepts
Tokens = Annotated[int, Field(ge=1, le=2**20)]
Name = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """Immutable settings that refuse unknown keys and convert numbers given as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def true_or_false(cls, value: Any, field: ValidationInfo) -> Any:
        """Accept only true or false for a switch, and neither for another setting.

        By default pydantic accepts "no" as false and true as 1. Numbers given as text are still
        converted: dvc exp run -S writes 1e-5 as 1e-05, which PyYAML reads as text.
        """
        switch = cls.model_fields[str(field.field_name)].annotation is bool
        if any(isinstance(item, bool) != switch for item in items(value)):
            raise ValueError(f"must {'' if switch else 'not '}be true or false")
        return value


def items(value: Any) -> Sequence[Any]:
    """The items of a list, or the value as the only one."""
    return value if isinstance(value, list | tuple) else (value,)
