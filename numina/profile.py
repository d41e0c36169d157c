"""Turn profiles into -S arguments for `dvc exp run`, as `numina run` does.

    dvc exp run $(python -m numina.profile real-sets) -S sctir.n=16

A profile, `profiles/NAME.yaml`, holds only differences from params.yaml, so profiles can be
combined with each other (later ones override earlier ones) and with sweeps. The whole result is
checked here.
"""

from __future__ import annotations

import copy
import difflib
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numina import entry
from numina.errors import UserError
from numina.overlay import overlaid
from numina.settings.params import FILE, Params, document, parse

FOLDER = Path("profiles")
OPEN = ("splits",)  # mappings in params.yaml to which a profile may add an entry


def differences(
    profile: Mapping[str, Any], params: Mapping[str, Any], where: str, prefix: str = ""
) -> dict[str, Any]:
    """The profile's leaves by dotted key, e.g. {"sctir.n": 64}.

    Args:
        profile: sections as in params.yaml.
        params: all of params.yaml.
        where: what an error calls the profile.
        prefix: of the keys.

    Raises:
        UserError: a key that params.yaml does not have, unless it adds an entry to one of `OPEN`.
    """
    leaves: dict[str, Any] = {}
    for key, value in profile.items():
        name = f"{prefix}{key}"
        if key not in params and prefix.rstrip(".") not in OPEN:
            raise UserError(f"{where}: {name}: params.yaml has no such key")
        known = params.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            leaves |= differences(value, known, where, f"{name}.")
        else:
            leaves[name] = value
    return leaves


def merged(leaves: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """params.yaml with some leaves changed, by dotted key."""
    result = copy.deepcopy(dict(params))
    for name, value in leaves.items():
        *sections, key = name.split(".")
        place = result
        for section in sections:
            place = place[section]
        place[key] = value
    return result


def hydra_value(value: Any) -> str:
    """A value in the grammar of Hydra's overrides, which -S uses."""
    if isinstance(value, list):
        return "[" + ",".join(map(hydra_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{hydra_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(value)


def names() -> list[str]:
    """The names of all profiles."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def leaves_of(profiles: Sequence[str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of profiles by dotted key; later profiles override earlier ones.

    Raises:
        UserError: there is no such profile, one is not YAML, or it has an unknown key.
    """
    whole: dict[str, Any] = {}
    for name in profiles:
        path = FOLDER / f"{name}.yaml"
        if name not in names():
            close = difflib.get_close_matches(name, names(), 1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UserError(f"no profile {name!r}; {hint}there are: {', '.join(names())}")
        profile = document(path) or {}
        if not isinstance(profile, dict):
            raise UserError(f"{path}: holds no sections")
        whole = overlaid(whole, profile)
        differences(whole, defaults, str(path))
    return differences(whole, defaults, "profiles")


def applied(profiles: Sequence[str]) -> Params:
    """The knobs of a run with profiles.

    Raises:
        UserError: as `leaves_of`, or a value is wrong.
    """
    defaults = document()
    parse(defaults)  # an error there is not the profile's
    files = " + ".join(str(FOLDER / f"{name}.yaml") for name in profiles)
    return parse(merged(leaves_of(profiles, defaults), defaults), files or str(FILE))


def arguments(profiles: Sequence[str]) -> list[str]:
    """The -S arguments of profiles.

    Raises:
        UserError: there is no such profile, or a key or a value is wrong.
    """
    applied(profiles)
    defaults = document()
    return [
        part
        for key, value in leaves_of(profiles, defaults).items()
        for part in ("-S", f"{'' if has(defaults, key) else '+'}{key}={hydra_value(value)}")
    ]


def has(params: Mapping[str, Any], name: str) -> bool:
    """Whether params.yaml has a dotted key."""
    place: Any = params
    for key in name.split("."):
        if not isinstance(place, dict) or key not in place:
            return False
        place = place[key]
    return True


def main() -> None:
    profiles = sys.argv[1:]
    if not profiles:
        raise UserError("usage: python -m numina.profile NAME...")
    # Unquoted, as the shell splits $(...) at spaces and keeps quotes as they are.
    parts = arguments(profiles)
    for part in parts:
        if " " in part or shlex.split(part, posix=False) != [part]:
            raise UserError(f"{part}: the shell would split it; use numina run instead")
    print(" ".join(parts))


if __name__ == "__main__":
    entry.command(main)
