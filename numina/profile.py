"""Turn a profile into -S arguments for `dvc exp run`.

    dvc exp run $(python -m numina.profile real-sets) -S sctir.n=16

A profile, `profiles/NAME.yaml`, holds only what differs from params.yaml, so it composes with
sweeps; the result is checked here as a whole.
"""

from __future__ import annotations

import copy
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import yaml

from numina.entry import run
from numina.errors import UserError
from numina.settings.params import Params, parse


def differences(
    profile: dict[str, Any], params: dict[str, Any], prefix: str = ""
) -> dict[str, Any]:
    """The profile's leaves by dotted key, e.g. {"sctir.n": 64}.

    Raises:
        UserError: a key that params.yaml does not have.
    """
    leaves: dict[str, Any] = {}
    for key, value in profile.items():
        name = f"{prefix}{key}"
        if key not in params:
            raise UserError(f"profile: {name}: params.yaml has no such key")
        if isinstance(value, dict) and isinstance(params[key], dict):
            leaves |= differences(value, params[key], f"{name}.")
        else:
            leaves[name] = value
    return leaves


def merged(leaves: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """params.yaml with a profile's leaves put in."""
    result = copy.deepcopy(params)
    for name, value in leaves.items():
        *sections, key = name.split(".")
        place = result
        for section in sections:
            place = place[section]
        place[key] = value
    return result


def hydra_value(value: Any) -> str:
    """A value in the grammar of Hydra's overrides, which -S speaks."""
    if isinstance(value, list):
        return "[" + ",".join(map(hydra_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{hydra_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(value)


def names() -> list[str]:
    """The profiles that there are."""
    return sorted(file.stem for file in Path("profiles").glob("*.yaml"))


def leaves_of(name: str) -> dict[str, Any]:
    """A profile's leaves by dotted key.

    Raises:
        UserError: there is no such profile, it is no YAML, or it has an unknown key.
    """
    if name not in names():
        raise UserError(f"no profile {name!r}; there are: {', '.join(names())}")
    path = Path("profiles") / f"{name}.yaml"
    try:
        profile = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML: {error}") from None
    if not isinstance(profile, dict):
        raise UserError(f"{path}: holds no sections")
    return differences(profile, defaults())


def defaults() -> dict[str, Any]:
    """params.yaml as it stands."""
    return yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))


def applied(name: str) -> Params:
    """The knobs of a run with a profile.

    Raises:
        UserError: as `leaves_of`, or a value is wrong.
    """
    return parse(merged(leaves_of(name), defaults()), f"profiles/{name}.yaml")


def arguments(name: str) -> list[str]:
    """The -S arguments of a profile.

    Raises:
        UserError: there is no such profile, or a key or a value is wrong.
    """
    applied(name)
    leaves = leaves_of(name)
    return [part for key, value in leaves.items() for part in ("-S", f"{key}={hydra_value(value)}")]


def main() -> None:
    if len(sys.argv) != 2:
        raise UserError("usage: python -m numina.profile NAME")
    # Unquoted, as the shell splits $(...) at spaces and keeps quotes as they are.
    parts = arguments(sys.argv[1])
    spaced = [part for part in parts if shlex.split(part, posix=False) != [part] or " " in part]
    if spaced:
        raise UserError(f"profile {sys.argv[1]}: a value holds a space: {spaced[0]}")
    print(" ".join(parts))


if __name__ == "__main__":
    run(main)
