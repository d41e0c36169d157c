"""Options that several commands have, and options that stand for a knob."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from numina.cli import complete
from numina.errors import UserError
from numina.profile import has, leaves_of, merged
from numina.settings.params import Params, document, parse, read

Model = Annotated[Path, typer.Option("--model", metavar="DIR", help="The model's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Traces = Annotated[
    int | None, typer.Option(metavar="N", help="Traces; else sctir.n of params.yaml.")
]
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Of profiles/; may be given again, the later ones on top.",
        autocompletion=complete.profiles,
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        *("--set-param", "-S"),
        metavar="KEY=VALUE",
        help="A knob; overrides profiles.",
        autocompletion=complete.changes,
    ),
]
QUANTISED = Path("models/quantised")


def read_with(changes: Mapping[str, tuple[str, Any]]) -> Params:
    """params.yaml with the knobs changed that options stand for.

    Args:
        changes: by dotted key, the option's name and its value; None for one that was not given.

    Raises:
        UserError: params.yaml is wrong, or an option's value is not valid for its knob.
    """
    raw = document()
    params = parse(raw)
    for key, (option, value) in changes.items():
        if value is not None:
            raw = merged({key: value}, raw)
            params = parse(raw, option)
    return params


def read_with_traces(n: int | None) -> Params:
    """params.yaml with `--n` traces a problem; `sctir.at_once` is reduced to that if it is more.

    Raises:
        UserError: as `read_with`.
    """
    at_once = None if n is None else max(0, min(read().sctir.at_once, n))
    return read_with({"sctir.at_once": ("--n", at_once), "sctir.n": ("--n", n)})


def read_asked(profiles: Sequence[str], changes: Sequence[str], n: int | None) -> Params:
    """params.yaml with profiles, changes and `--n` on top, each above the one before it.

    Args:
        profiles: names in profiles/.
        changes: `KEY=VALUE`, in the grammar of `numina run -S`.
        n: traces a problem; `sctir.at_once` is reduced to that if it is more.

    Raises:
        UserError: a profile, a change or `--n` is wrong.
    """
    raw = document()
    parse(raw)
    raw = merged(leaves_of(profiles, raw), raw)
    for change in changes:
        key, value = read_change(change)
        if not has(raw, key):
            raise UserError(f"-S {change}: params.yaml has no such key")
        raw = merged({key: value}, raw)
    where = " + ".join(["params.yaml", *profiles, *(f"-S {change}" for change in changes)])
    params = parse(raw, where)
    if n is None:
        return params
    at_once = max(0, min(params.sctir.at_once, n))
    return parse(merged({"sctir.at_once": at_once, "sctir.n": n}, raw), "--n")


def read_change(change: str) -> tuple[str, Any]:
    """The key and the value of a change.

    Raises:
        UserError: it cannot be read, or has several values.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(change)
    except HydraException as error:
        raise UserError(f"-S {change}: {' '.join(str(error).split())}") from None
    if override.is_sweep_override() or override.is_delete() or override.is_add():
        raise UserError(f"-S {change}: only KEY=VALUE with one value is taken here")
    return override.key_or_group, plain(override.value())


def plain(value: Any) -> Any:
    """A value of Hydra's grammar without its quotes."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    return getattr(value, "text", value)
