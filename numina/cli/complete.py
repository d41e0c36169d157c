"""What the shell proposes while a command is typed: profiles and knobs.

In a folder without params.yaml nothing is proposed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numina.errors import UserError
from numina.profile import names
from numina.settings.params import document


def profiles(incomplete: str) -> list[str]:
    """Names in profiles/."""
    return [name for name in names() if name.startswith(incomplete)]


def sections_and_knobs(incomplete: str) -> list[str]:
    """Keys of params.yaml: its sections, and all knobs of the section that is named."""
    return [key for key, _ in keys_like(incomplete)]


def changes(incomplete: str) -> list[str]:
    """Keys of params.yaml as a change begins with them: a knob with its equals sign."""
    return [f"{key}{'.' if inside else '='}" for key, inside in keys_like(incomplete)]


def keys_like(incomplete: str) -> Iterator[tuple[str, bool]]:
    """The keys one step below what is typed, and whether there are keys inside of each."""
    try:
        place: Any = document()
    except UserError:
        return
    above, _, _ = incomplete.rpartition(".")
    for key in above.split(".") if above else []:
        place = place.get(key) if isinstance(place, dict) else None
    if isinstance(place, dict):
        for key, value in place.items():
            whole = f"{above}.{key}" if above else key
            if whole.startswith(incomplete):
                yield whole, isinstance(value, dict)
