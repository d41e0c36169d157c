"""What ran: model, knobs, versions and machine, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.measure.results import Results
from numina.measure.systems import GREEDY, SCTIR
from numina.models.pinned import commit_of
from numina.report.csv_tables import LossRow, read_table
from numina.report.training_rows import TrainingRows, described
from numina.report.wording import duration, plain
from numina.rows import each_problem, read_object
from numina.settings.params import Params
from numina.settings.training import Sft


@dataclass(frozen=True, slots=True)
class Training:
    """What a model was fine-tuned on, and the course of the training.

    Attributes:
        data: its samples.
        steps: its optimiser steps.
        knobs: of the stage.
    """

    data: TrainingRows
    steps: Sequence[LossRow]
    knobs: Sft

    @property
    def rows(self) -> int:
        """How many samples."""
        return self.data.total

    @property
    def sources(self) -> list[tuple[str, int]]:
        """Of the samples, each with their number, the most frequent first."""
        return self.data.sources.most_common()


def read_training(rows: Path, losses: Path, knobs: Sft) -> Training:
    """What a training stage read and wrote.

    Raises:
        UserError: a file is missing or damaged.
    """
    return Training(described(each_problem(rows)), read_table(losses, LossRow), knobs)


def facts(
    params: Params, run: Mapping[str, Any], results: Results, versions: Mapping[str, str | None]
) -> dict[str, str]:
    """What ran, as names with values in words.

    Args:
        params: the knobs.
        run: what `eval_sctir` recorded about its run.
        results: for the sizes of the splits.
        versions: of the packages that are installed; None if one is missing.
    """
    machine = run["machine"]
    layers = [plain(layer) for layer, on in run["isolation"].items() if on]
    sizes = ", ".join(f"{plain(split)} ({len(rows)})" for split, rows in results.problems.items())
    return {
        "Base model": model_name(params),
        "Problems": sizes,
        "Votes": f"up to {run['n']} traces a problem, {programs(run['depth'])}, "
        f"temperature {run['temperature']}, "
        f"seeds {', '.join(map(str, run['seeds']))}; stop: {run['stop']}",
        "Wall-clock of the votes": duration(run["seconds"]),
        "Engine": run["engine"],
        "Machine": hardware(machine),
        "Isolation of programs": ", ".join(layers) or "none",
        "Versions": ", ".join(
            [f"Python {machine['python']}"]
            + [f"{name} {version}" for name, version in versions.items() if version]
        ),
    }


def programs(depth: int) -> str:
    """How many programs a trace may run, in words."""
    return f"up to {depth} programs each" if depth else "no programs (chain of thought)"


def wall_clock(greedy: Path, run: Mapping[str, Any]) -> dict[str, float | None]:
    """The wall-clock of each system's stage in seconds, as the stage itself recorded it.

    Args:
        greedy: the folder of `eval_greedy`, which has a `run.json` for each model.
        run: what `eval_sctir` recorded about its run.

    Raises:
        UserError: a `run.json` is missing or damaged.
    """
    noted = {s.name: read_object(greedy / s.model / "run.json").get("seconds") for s in GREEDY}
    return {**noted, SCTIR.name: run["seconds"]}


def model_name(params: Params) -> str:
    """The base model's name for readers."""
    base = params.base_model
    if base.source == "package":
        return base.file.rpartition("/")[2].partition(".")[0]
    commit = commit_of(base.name, base.revision)[:8]
    return f"{base.name}@{commit}" if base.source == "hub" else base.name


def hardware(machine: Mapping[str, Any]) -> str:
    """The machine in a line."""
    cards = ", ".join(machine["accelerators"]) or "no GPU"
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB memory, "
        f"{cards}"
    )
