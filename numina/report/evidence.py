"""Everything that the page and the cards are made from, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.measure.quantisation import RECORD_FIELDS
from numina.measure.results import Results, read_results
from numina.measure.score import ALL, Table
from numina.measure.systems import SystemLabels, quantisation_name
from numina.report.compare import Shares, read_outcomes
from numina.report.csv_tables import BreakdownRow, CurveRow, DepthRow, read_table
from numina.report.facts import Training, read_training, wall_clock
from numina.report.provenance import Commit, last_commit
from numina.report.tables import DATA_STAGES
from numina.rows import existing, read_object
from numina.settings.decoding import Sctir
from numina.settings.params import Params
from numina.stage_times import noted

RUN_FIELDS = (*Sctir.model_fields, "seconds", "machine", "isolation", "engine")


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """The files of a run.

    Attributes:
        table: from `numina.measure.score.metrics`.
        costs: from `numina.measure.cost.costs`, by split.
        results: traces and votes.
        outcomes: by system, split and problem.
        outcomes_file: the file with the outcomes.
        curve: maj@k by split.
        depth: accuracy of the vote by depth and split.
        breakdown: accuracies by year, contest, level and subject.
        data: what each stage of the data build kept and left out, by its name.
        trainings: of the stages cot and tir.
        rounds: of the TIR data.
        quantisation: from `numina.measure.quantisation.quantisation`.
        run: what `eval_sctir` recorded about its run.
        clock: the wall-clock of each system's stage in seconds; None if it is not recorded.
        stage_times: seconds of each stage that ran on this machine.
        commit: the commit that the run started from; None if there is none.
    """

    params: Params
    table: Table
    costs: Mapping[str, Any]
    results: Results
    outcomes: Shares
    outcomes_file: Path
    curve: Sequence[CurveRow]
    depth: Sequence[DepthRow]
    breakdown: Sequence[BreakdownRow]
    data: Mapping[str, Mapping[str, Any]]
    trainings: Mapping[str, Training]
    rounds: Mapping[str, Any]
    quantisation: Mapping[str, Any]
    run: Mapping[str, Any]
    clock: Mapping[str, float | None]
    stage_times: Mapping[str, float]
    commit: Commit | None

    @property
    def sctir(self) -> Sctir:
        """The knobs that the votes were cast with."""
        return Sctir(**{name: self.run[name] for name in Sctir.model_fields})

    @property
    def labels(self) -> SystemLabels:
        """The labels of the systems of this run."""
        quantisation = quantisation_name(self.quantisation)
        return SystemLabels.of(quantisation, self.params.eval_greedy.depth, self.run["depth"])


def read_evidence(paths: Mapping[str, Path], params: Params) -> RunEvidence:
    """Read the files of a run, from the paths that `stages.report` is given.

    Raises:
        UserError: a file is missing or damaged, or lacks a field.
    """
    outcomes = existing(paths["outcomes"])
    run = read_object(paths["sctir"] / "run.json", *RUN_FIELDS)
    knobs = {"cot": params.sft_cot, "tir": params.sft_tir}
    return RunEvidence(
        params=params,
        table=read_object(paths["metrics"], ALL),
        costs=read_object(paths["costs"], ALL),
        results=read_results(paths["validation"], paths["greedy"], paths["sctir"]),
        outcomes=read_outcomes(outcomes.read_text(encoding="utf-8"), str(outcomes)),
        outcomes_file=outcomes,
        curve=read_table(paths["curve"], CurveRow),
        depth=read_table(paths["depth"], DepthRow),
        breakdown=read_table(paths["breakdown"], BreakdownRow),
        data={
            stage: read_object(paths[stage] / "counts.json", "in", "kept", "rejected")
            for stage in DATA_STAGES
        },
        trainings={
            stage: read_training(
                paths[f"{stage}_data"] / "train", paths[f"{stage}_loss"], knobs[stage]
            )
            for stage in knobs
        },
        rounds=read_object(paths["attempts"] / "rounds.json"),
        quantisation=read_object(paths["quantization"], *RECORD_FIELDS, "answers"),
        run=run,
        clock=wall_clock(paths["greedy"], run),
        stage_times=noted(),
        commit=last_commit(),
    )
