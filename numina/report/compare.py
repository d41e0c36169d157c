"""Systems and runs compared with each other, problem by problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from numina.errors import UserError
from numina.measure.stats import Paired, paired
from numina.measure.systems import ONE_SAMPLED, SCTIR, SYSTEMS
from numina.report.csv_tables import OutcomeRow, parse_table
from numina.report.provenance import Commit, committed

# By system, split and problem: the share of seeds that were right.
Shares = dict[str, dict[tuple[str, str], float]]

VOTE = "vote"  # the step from one sampled trace to a vote


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two lists of outcomes on the same problems; `pair` is the first minus the second."""

    name: str
    first: float
    second: float
    pair: Paired

    @property
    def verdict(self) -> str:
        """In words, at the 5% level."""
        if self.pair.only_first + self.pair.only_second == 0:
            return "the same on every problem"
        if self.pair.p_value >= 0.05:
            return "within chance"
        return "better" if self.pair.difference > 0 else "worse"


def read_outcomes(text: str, where: str) -> Shares:
    """Outcomes from CSV, as `score` writes them.

    Raises:
        UserError: as `parse_table`, or a problem occurs twice, with its line.
    """
    found: Shares = {}
    for line, row in parse_table(text, where, OutcomeRow):
        system, key = found.setdefault(row.system, {}), (row.split, row.problem)
        if key in system:
            raise UserError(f"{where}, line {line}: field 'problem': {row.problem!r} occurs twice")
        system[key] = row.right
    return found


def compare(
    name: str, first: Mapping[tuple[str, str], float], second: Mapping[tuple[str, str], float]
) -> Comparison | None:
    """Two systems on the problems that both have; None if there are none."""
    common = [key for key in first if key in second]
    if not common:
        return None
    left, right = ([side[key] for key in common] for side in (first, second))
    size = len(common)
    return Comparison(name, sum(left) / size, sum(right) / size, paired(left, right))


def between_systems(now: Shares) -> dict[str, Comparison]:
    """The gain of each step of the recipe over all problems.

    Returns:
        By the system that has the step. The last step, sampling and voting, is there as a whole and
        in two parts: `ONE_SAMPLED` is what sampling changes, `VOTE` what the vote adds to that.
    """
    steps = [(system.name, system.adds, system.name, system.after) for system in SYSTEMS]
    parts = [
        (ONE_SAMPLED, "Of that, what sampling one trace changes", ONE_SAMPLED, SCTIR.after),
        (VOTE, "Of that, what the vote adds to one sampled trace", SCTIR.name, ONE_SAMPLED),
    ]
    found = {}
    for key, words, with_it, without in [*steps, *parts]:
        comparison = compare(words, now.get(with_it, {}), now.get(without or "", {}))
        if comparison:
            found[key] = comparison
    return found


@dataclass(frozen=True, slots=True)
class Previous:
    """This run compared with an earlier one.

    Attributes:
        note: what it is compared with, or why there is no comparison.
        rows: by system.
    """

    note: str
    rows: dict[str, Comparison]


def with_previous(now: Shares, before: Shares | None, where: str) -> Previous:
    """This run compared with the outcomes of an earlier one, on the problems that both were asked.

    Args:
        now: this run's outcomes.
        before: the earlier run's; None if there are none.
        where: the earlier run in words.
    """
    if before is None:
        return Previous(f"There is no earlier run to compare with: {where}.", {})
    if before == now:
        return Previous(f"Every outcome is the same as in {where}.", {})
    rows = {}
    for system in (system.name for system in SYSTEMS if system.name in now):
        comparison = compare(system, now[system], before.get(system, {}))
        if comparison:
            rows[system] = comparison
    if not rows:
        return Previous(f"{where} has no problem in common with this run.", {})
    counts = {row.pair.n for row in rows.values()}
    asked = {len(outcomes) for outcomes in now.values()}
    note = f"On the {max(counts)} of {max(asked)} problems that {where} was asked too."
    return Previous(note, rows)


def previous_run(now: Shares, file: Path, commit: Commit | None) -> Previous:
    """This run compared with the outcomes that the last commit has in `file`."""
    if commit is None:
        return with_previous(now, None, "this is not a git repository, or it has no commit")
    name = f"commit {commit.hash[:8]} ({commit.title})"
    text = committed(file)
    if text is None:
        return with_previous(now, None, f"{name} has no {file}")
    return with_previous(now, read_outcomes(text, f"{file} of {name}"), name)
