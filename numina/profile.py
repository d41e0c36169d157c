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

from numina.settings import UserError, parse, run


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


def arguments(name: str) -> list[str]:
    """The -S arguments of a profile.

    Raises:
        UserError: there is no such profile, or a key or a value is wrong.
    """
    path = Path("profiles") / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in Path("profiles").glob("*.yaml")))
        raise UserError(f"no profile {name!r}; there are: {known}")
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    leaves = differences(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, params)
    parse(merged(leaves, params), str(path))
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
