"""The result in plain words, computed from the figures."""

from __future__ import annotations

from collections.abc import Mapping

from numina.measure.score import ALL, Table
from numina.measure.systems import GREEDY, SCTIR, SystemLabels
from numina.report.compare import VOTE, Comparison
from numina.report.wording import interval, percent, plain

BEYOND = 0.25  # the problems are too hard for the model if no interval reaches this accuracy
FEW = 20  # with fewer problems, a run shows little more than that it ran


def title(table: Table) -> str:
    """The main figure of the run."""
    row = table[ALL][SCTIR.name]
    n = int(row["n"])
    if row["accuracy"] == 0:
        return f"None of {n} problems right"
    return f"{percent(row['accuracy'])}% of {n} problems right"


def headline(
    table: Table, steps: Mapping[str, Comparison], votes: int, labels: SystemLabels
) -> list[str]:
    """Sentences on the accuracy of the recipe, what each of its steps adds, and how sure that is.

    Args:
        table: from `numina.measure.score.metrics`.
        steps: from `compare.between_systems`.
        votes: traces of a full vote.
        labels: of the systems.
    """
    everything = table[ALL]
    voted = everything[SCTIR.name]
    seeds = int(voted["seeds"])
    greedy = [
        f"{labels.long[system.name].removesuffix(', greedy')} {gives(everything[system.name])}"
        f"{sure(steps, system.name)}"
        for system in GREEDY
    ]
    said = [
        f"{labels.long[SCTIR.name]}: up to {votes} traces a problem"
        f"{f', mean of {seeds} seeds,' if seeds > 1 else ''} give {percent(voted['accuracy'])}% "
        "right; the 95% interval for other problems like these is "
        f"{interval(voted, ' to ')}%.",
        f"One greedy trace a problem: {'; '.join(greedy)}. What sampling and voting add to the "
        f"last of these {chance(steps, SCTIR.name)}.",
    ]
    if VOTE in steps:
        said.append(
            f"One sampled trace a problem: {percent(steps[VOTE].second)}%. What the vote adds to "
            f"it {chance(steps, VOTE)}."
        )
    none = [
        f"{plain(name)}: 0 of {row[SCTIR.name]['n']:.0f}, {interval(row[SCTIR.name])}%"
        for name, row in table.items()
        if name != ALL and row[SCTIR.name]["accuracy"] == 0
    ]
    if none:
        said.append(f"No vote was right on {'; '.join(none)}.")
    if voted["n"] >= FEW and max(row["ci95_high"] for row in everything.values()) < BEYOND:
        said.append("These problems are beyond this model: read the figures as that.")
    if voted["n"] < FEW:
        said.append(
            f"{voted['n']:.0f} problems are too few to tell systems apart: this is a trial run."
        )
    undecided = int(sum(row["undecided"] for row in everything.values()))
    if undecided:
        said.append(f"{undecided} answers could not be decided and count as wrong.")
    return said


def gives(row: Mapping[str, float]) -> str:
    """An accuracy with its interval."""
    return f"{percent(row['accuracy'])}%\u00a0{interval(row)}"


def chance(steps: Mapping[str, Comparison], step: str) -> str:
    """Whether a step's effect could be chance."""
    beyond = step in steps and steps[step].verdict in ("better", "worse")
    return "is more than chance" if beyond else "is within chance"


def sure(steps: Mapping[str, Comparison], system: str) -> str:
    """In brackets, whether a step's effect could be chance."""
    if system not in steps:
        return ""
    verdict = steps[system].verdict
    return f" ({verdict}{', beyond chance' if verdict in ('better', 'worse') else ''})"
