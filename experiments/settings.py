"""The section of an experiment that the recipe does not have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from numina.errors import UserError
from numina.settings.params import document
from numina.settings.section import Section

Own = TypeVar("Own", bound=Section)


def own(name: str, model: type[Own]) -> Own:
    """Read the section `name` of experiments/NAME/params.yaml.

    Args:
        name: of the experiment.
        model: of the section.

    Raises:
        UserError: the file or the section is missing, or a value is wrong: a line for each, with
            file, key and value.
    """
    file = Path("experiments", name, "params.yaml")
    whole = document(file)
    if not isinstance(whole, dict) or name not in whole:
        raise UserError(f"{file}: has no section {name!r}")
    try:
        return model.model_validate(whole[name])
    except ValidationError as error:
        lines = [line(file, name, item) for item in error.errors()]
        raise UserError("\n".join(lines)) from None


def line(file: Path, name: str, item: Mapping[str, Any]) -> str:
    """An error of pydantic in words."""
    key = ".".join([name, *map(str, item["loc"])])
    given = "" if item["type"] == "missing" else f" (got {item['input']!r})"
    return f"{file}: {key}: {item['msg'].removeprefix('Value error, ')}{given}"
