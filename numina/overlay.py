"""Parameters of an experiment over those of the recipe.

`experiments/NAME/params.yaml` holds differences from params.yaml, and a section NAME of its own.
The environment variable `NUMINA_OVERLAY` names such a file; processes that a stage starts inherit
it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "NUMINA_OVERLAY"


def file() -> Path | None:
    """The file that is laid over params.yaml; None without an experiment."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def over(params: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """params.yaml with an experiment's changes, without the experiment's own section.

    Args:
        params: the whole of params.yaml.
        changes: the experiment's file.
        name: the experiment's, and that of its own section.
    """
    return overlaid(params, {key: value for key, value in changes.items() if key != name})


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings merged at all levels; if both have a value, that of `above` is taken."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            value = overlaid(under, value)
        result[key] = value
    return result
