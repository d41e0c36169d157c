"""Scores, worked by hand."""

import csv
import io
import json

import pytest

from numina.answer.equal import Equality
from numina.measure.cost import costs
from numina.measure.pools import CURVE_FIELDS, curve_rows
from numina.measure.results import Results
from numina.measure.score import (
    BREAKDOWN_FIELDS,
    OUTCOME_FIELDS,
    breakdown,
    grade,
    metrics,
    one_sampled,
    outcome_rows,
    outcomes,
    summary,
)
from numina.records.problem import Problem
from numina.records.trace import Trace, Verdict
from numina.rows import csv_text
from tests.conftest import PARAMS, make_trace

PROBLEMS = [
    Problem("a", "?", "1", "t", subject="algebra", level=1, contest="AMC 12A 2023"),
    Problem("b", "?", "2", "t", subject="geometry", level=1, unsound="misread"),
]
SCTIR = PARAMS.sctir


def trace(problem: str, answer: str | None, index: int = 0, tokens: int = 10) -> Trace:
    return make_trace(problem, index, answer, seed=0, tokens=tokens)


def verdict(problem: str, seed: int, answers: list[str | None], n: int = 3) -> Verdict:
    traces = [trace(problem, answer, i) for i, answer in enumerate(answers)]
    votes = {a: float(answers.count(a)) for a in answers if a}
    winner = max(votes, key=lambda a: votes[a]) if votes else None
    stop = "lossless" if len(answers) < n else "full"
    return Verdict(problem, seed, winner, votes, n, traces, stop, 1, n - len(answers), 0, 2.0)


RESULTS = Results(
    problems={"s": PROBLEMS},
    greedy={
        "cot": {"s": [trace("a", "9"), trace("b", None)]},
        "tir": {"s": [trace("a", "1"), trace("b", "2.0")]},
        "quantised": {"s": [trace("a", "1"), trace("b", "3.5")]},
    },
    sctir={
        "s": {
            1: [verdict("a", 1, ["1", "1"]), verdict("b", 1, ["3", "2", "2"])],
            2: [verdict("a", 2, ["1", "1"]), verdict("b", 2, ["3", "3", "2"])],
        }
    },
)
OUTCOMES = outcomes(RESULTS)


def test_metrics_worked_by_hand():
    table = metrics(RESULTS, OUTCOMES, seconds=8.0)
    row = table["s"]
    assert row["cot_greedy"]["accuracy"] == 0
    assert row["tir_greedy"]["accuracy"] == 1
    assert row["gptq_greedy"] == {
        "accuracy": 0.5,
        "ci95_low": 0.0945,
        "ci95_high": 0.9055,
        "n": 2,
        "undecided": 0,
        "accuracy_sound": 1.0,
        "ci95_low_sound": 0.2065,
        "ci95_high_sound": 1.0,
        "n_sound": 1,
        "tokens_per_problem": 10,
        "failed_traces": 0,
        "recovered": 0,
        "recovered_right": 0,
        "repeated": 0,
        "gave_up": 0,
    }
    assert row["sctir"]["accuracy"] == 0.75
    assert row["sctir"]["accuracy_std"] == 0.3536  # of 1 and 0.5
    assert row["sctir"]["seeds"] == 2
    assert row["sctir"]["tokens_per_problem"] == 25
    assert row["sctir"]["tokens_saved"] == pytest.approx(20 / 120, abs=1e-4)
    assert row["sctir"]["seconds_per_problem"] == 2.0
    assert table["all"] == row


def test_metrics_are_flat_numbers():
    table = metrics(RESULTS, OUTCOMES, seconds=8.0)
    rows = [row for systems in table.values() for row in systems.values()]
    assert all(type(value) in (int, float) for row in rows for value in row.values())


def test_sound_figures_stand_only_where_a_gold_is_unsound():
    sound = [problem for problem in PROBLEMS if not problem.unsound]
    results = Results(
        {"s": sound},
        {system: {"s": rows["s"][:1]} for system, rows in RESULTS.greedy.items()},
        {"s": {seed: rows[:1] for seed, rows in RESULTS.sctir["s"].items()}},
    )
    row = metrics(results, outcomes(results), 1.0)["s"]["sctir"]
    assert not [key for key in row if "sound" in key]


def test_costs_worked_by_hand():
    assert costs(RESULTS, ["s"])["sctir"] == {
        "traces": 10,
        "tokens_prompted": 90,
        "tokens_cached": 40,
        "tokens_generated": 100,
        "decode_s": 10.0,
        "execute_s": 5.0,
        "wait_s": 2.5,
        "ends": {"answer": 10},
        "programs": {"ok": 10},
        "tokens_saved": 20,
        "stops": {"full": 2, "lossless": 2},
    }


def test_the_curve_worked_by_hand():
    # At k = 2, seed 1, problem b ties, 3 against 2; equally likely, "2" is first as text.
    rows = curve_rows(RESULTS, SCTIR)
    assert [(row["k"], row["accuracy"], row["pass_at_k"]) for row in rows] == [
        (1, 0.5, 0.5),
        (2, 0.75, 0.75),
        (3, 0.75, ""),  # beyond what an early stop leaves known
    ]
    table = csv.DictReader(io.StringIO(csv_text(CURVE_FIELDS, rows)))
    assert [row["split"] for row in table] == ["s", "s", "s"]


def test_equal_answers_in_other_words_are_one_vote():
    answers = ["3", "4/2", "2.0"]
    one = Results(
        {"s": PROBLEMS[1:]},
        {},
        {"s": {1: [verdict("b", 1, answers)]}},
    )
    assert curve_rows(one, SCTIR)[-1]["accuracy"] == 1


def test_a_breakdown_worked_by_hand():
    rows = [row for row in breakdown(OUTCOMES) if row["system"] == "sctir"]
    assert [(row["by"], row["part"], row["accuracy"], row["n"]) for row in rows] == [
        ("contest", "AMC 12A 2023", 1.0, 1),
        ("level", "1", 0.75, 2),
        ("subject", "algebra", 1.0, 1),
        ("subject", "geometry", 0.5, 1),
        ("year", "2023", 1.0, 1),
    ]
    assert csv_text(BREAKDOWN_FIELDS, rows).splitlines()[1].startswith("s,contest,AMC 12A 2023,")


def test_outcomes_are_means_over_seeds():
    text = csv_text(OUTCOME_FIELDS, outcome_rows(OUTCOMES))
    assert "s,b,sctir,0.5\n" in text
    assert "s,b,cot_greedy,0.0\n" in text


def test_one_sampled_trace_is_the_first_of_each_vote():
    assert [(row.problem.id, row.by_seed) for row in one_sampled(RESULTS)] == [
        ("a", (True, True)),
        ("b", (False, False)),
    ]
    cut = Results(
        {"s": PROBLEMS[1:]},
        {},
        {"s": {1: [verdict("b", 1, [])], 2: [verdict("b", 2, [None, "2"])]}},
    )
    assert [row.by_seed for row in one_sampled(cut)] == [(False, False)]


def test_no_answer_is_wrong():
    assert grade(None, "1") is False
    assert grade("2.0", "2") is True


def test_an_undecided_answer_is_counted_and_not_right(monkeypatch):
    undecided = "an answer that nothing decides"
    monkeypatch.setattr("numina.measure.grade.equal", lambda *_: Equality(None, ""))
    answers = {"s": [trace("a", undecided)]}
    results = Results(
        {"s": PROBLEMS[:1]},
        {"cot": answers, "tir": answers, "quantised": answers},
        {"s": {1: [verdict("a", 1, [undecided])]}},
    )
    row = metrics(results, outcomes(results), 1.0)["s"]["tir_greedy"]
    assert (row["accuracy"], row["undecided"]) == (0.0, 1)


def test_the_summary_is_short_and_in_percent():
    assert summary(metrics(RESULTS, OUTCOMES, 8.0)) == {
        "all": {"cot": 0.0, "tir": 100.0, "gptq": 50.0, "sctir": 75.0, "sctir_std": 35.4},
        "s": {"cot": 0.0, "tir": 100.0, "gptq": 50.0, "sctir": 75.0},
    }


def test_metrics_settle():
    first = json.dumps(metrics(RESULTS, OUTCOMES, 8.0))
    assert json.dumps(metrics(RESULTS, outcomes(RESULTS), 8.0)) == first
