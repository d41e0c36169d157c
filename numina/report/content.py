"""What the page shows, computed from the files of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.measure.score import ALL
from numina.measure.systems import SCTIR, SystemLabels
from numina.report.browser import browser_data
from numina.report.charts import loss_chart, majority_chart, yield_chart
from numina.report.compare import Comparison, Previous, between_systems, previous_run
from numina.report.dag import dag_chart
from numina.report.data_charts import DataCharts, data_charts
from numina.report.depth import RecoveryRow, depth_chart, open_votes, recovery_rows
from numina.report.evidence import RunEvidence
from numina.report.facts import facts
from numina.report.grid import grid_data
from numina.report.headline import headline, title
from numina.report.provenance import Commit, lock_hashes
from numina.report.reference import Compared, Published, elsewhere, published_of
from numina.report.tables import (
    CostRow,
    DataRow,
    Division,
    Part,
    Tally,
    cost_rows,
    data_rows,
    divisions,
    parts_by_name,
    result_rows,
    tally,
)
from numina.report.takeaway import takeaway
from numina.report.ties import TieBreak, count_ties

TRAININGS = {"cot": "CoT", "tir": "TIR"}


@dataclass(frozen=True, slots=True)
class Content:
    """All that the page shows.

    Attributes:
        labels: of the systems.
        title: the main figure of the run.
        headline: sentences.
        results: by split.
        steps: what each step of the recipe adds.
        previous: compared with the last commit.
        divisions: by year, contest, level, subject.
        elsewhere: published figures on other problems.
        own: what was published of the model of this run.
        majority, depth, loss, dag: SVG; `depth` is "" if no programs were run.
        ends, programs: of traces, and of the programs in them.
        open_votes: see `depth.open_votes`.
        recovery: what became of traces in which a program failed.
        costs: see `tables.cost_rows`.
        stage_times: see `numina.stage_times`.
        stops: why votes were closed, and how many.
        ties: votes that were ties, by what decided them.
        saved: the share of the tokens that was saved by closing votes early.
        data: what each stage of the data build kept and left out, in words.
        rounds: of the TIR data.
        pictures: of the training data.
        yields: of the rounds, as a chart; "" if no teacher was asked.
        quantisation: from `numina.measure.quantisation.quantisation`.
        browser: see `browser.browser_data`.
        grid: see `grid.grid_data`.
        takeaway: see `takeaway.takeaway`.
        facts: what ran, by name.
        hashes: of what the stages wrote.
        commit: that the run started from.
        params: the text of params.yaml.
    """

    labels: SystemLabels
    title: str
    headline: list[str]
    results: list[Part]
    steps: dict[str, Comparison]
    previous: Previous
    divisions: list[Division]
    elsewhere: list[Published]
    own: list[Compared]
    majority: str
    depth: str
    loss: str
    dag: str
    ends: Tally
    programs: Tally
    open_votes: dict[int, int]
    recovery: list[RecoveryRow]
    costs: list[CostRow]
    stage_times: Mapping[str, float]
    stops: dict[str, int]
    ties: Mapping[TieBreak, int]
    saved: float
    data: list[DataRow]
    rounds: Mapping[str, Mapping[str, int]]
    pictures: DataCharts
    yields: str
    quantisation: Mapping[str, Any]
    browser: dict[str, Any]
    grid: dict[str, Any]
    takeaway: dict[str, Any]
    facts: dict[str, str]
    hashes: dict[str, str]
    commit: Commit | None
    params: str


def content_of(
    evidence: RunEvidence,
    versions: Mapping[str, str | None],
    dvc_yaml: Path,
    dvc_lock: Path,
    params_yaml: Path,
) -> Content:
    """What the page shows of a run.

    Args:
        evidence: the files of the run.
        versions: of the packages that are installed; None if one is missing.
        dvc_yaml, dvc_lock, params_yaml: the pipeline's own files.
    """
    table, costs, run = evidence.table, evidence.costs, evidence.run
    steps = between_systems(evidence.outcomes)
    data = data_rows(evidence.data)
    trained_on = {TRAININGS[name]: made.data for name, made in evidence.trainings.items()}
    return Content(
        labels=evidence.labels,
        title=title(table),
        headline=headline(table, steps, run["n"], evidence.labels),
        results=result_rows(table),
        steps=steps,
        previous=previous_run(evidence.outcomes, evidence.outcomes_file, evidence.commit),
        divisions=divisions(evidence.breakdown),
        elsewhere=elsewhere({s: len(rows) for s, rows in evidence.results.problems.items()}),
        own=published_of(evidence.params.base_model.name, parts_by_name(table, evidence.breakdown)),
        majority=majority_chart(evidence.curve),
        depth=depth_chart(evidence.depth),
        loss=loss_chart({TRAININGS[name]: t.steps for name, t in evidence.trainings.items()}),
        dag=dag_chart(dvc_yaml),
        ends=tally(costs, "ends"),
        programs=tally(costs, "programs"),
        open_votes=open_votes(evidence.depth),
        recovery=recovery_rows(table),
        costs=cost_rows(costs, evidence.clock),
        stage_times=evidence.stage_times,
        stops=costs[ALL][SCTIR.name]["stops"],
        ties=count_ties(evidence.results.verdicts(), evidence.sctir),
        saved=table[ALL][SCTIR.name]["tokens_saved"],
        data=data,
        rounds=evidence.rounds,
        pictures=data_charts(trained_on, data),
        yields=yield_chart(evidence.rounds) if evidence.rounds else "",
        quantisation=evidence.quantisation,
        browser=browser_data(evidence.results, evidence.sctir),
        grid=grid_data(evidence.results),
        takeaway=takeaway(table, evidence.curve, evidence.depth, evidence.breakdown),
        facts=facts(evidence.params, run, evidence.results, versions),
        hashes=lock_hashes(dvc_lock),
        commit=evidence.commit,
        params=params_yaml.read_text(encoding="utf-8"),
    )
