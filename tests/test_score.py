"""Scores, worked by hand, and what is wrong with the files that they rest on."""

import pytest
from scipy.stats import binomtest

from numina.records import Problem, Trace, Verdict, write_rows
from numina.score import (
    Results,
    in_order,
    is_right,
    majority_curve,
    metrics,
    read_results,
    wilson,
)
from numina.settings import UserError
from tests.conftest import make_trace

PROBLEMS = [Problem("a", "?", "1", "t"), Problem("b", "?", "2", "t")]


def trace(problem: str, answer: str | None, index: int = 0, tokens: int = 10) -> Trace:
    return make_trace(problem, index, answer, seed=0, tokens=tokens)


def verdict(problem: str, seed: int, answers: list[str | None], n: int = 3) -> Verdict:
    traces = [trace(problem, answer, i) for i, answer in enumerate(answers)]
    votes = {a: answers.count(a) for a in answers if a}
    winner = max(votes, key=lambda a: votes[a]) if votes else None
    stop = "lossless" if len(answers) < n else "full"
    return Verdict(problem, seed, winner, votes, n, traces, stop, 1, n - len(answers), 0, 2.0)


RESULTS = Results(
    problems={"s": PROBLEMS},
    greedy={
        "cot": {"s": [trace("a", "9"), trace("b", None)]},
        "tir": {"s": [trace("a", "1"), trace("b", "2.0")]},
        "gptq": {"s": [trace("a", "1"), trace("b", "3.5")]},
    },
    sctir={
        "s": {
            1: [verdict("a", 1, ["1", "1"]), verdict("b", 1, ["3", "2", "2"])],
            2: [verdict("a", 2, ["1", "1"]), verdict("b", 2, ["3", "3", "2"])],
        }
    },
)


def test_metrics_worked_by_hand():
    table = metrics(RESULTS, seconds=8.0)
    row = table["s"]
    assert row["cot_greedy"]["accuracy"] == 0
    assert row["tir_greedy"]["accuracy"] == 1
    assert row["gptq_greedy"] == {
        "accuracy": 0.5,
        "ci95_low": 0.0945,
        "ci95_high": 0.9055,
        "n": 2,
        "tokens_per_problem": 10,
    }
    assert row["sctir"]["accuracy"] == 0.75
    assert row["sctir"]["accuracy_std"] == 0.3536  # of 1 and 0.5
    assert row["sctir"]["seeds"] == 2
    assert row["sctir"]["tokens_per_problem"] == 25
    assert row["sctir"]["tokens_saved"] == pytest.approx(20 / 120, abs=1e-4)
    assert row["sctir"]["seconds_per_problem"] == 2.0
    assert row["sctir"]["cost"] == {
        "tokens_prompted": 90,
        "tokens_cached": 40,
        "tokens_generated": 100,
        "tokens_saved": 20,
        "decode_s": 10.0,
        "execute_s": 5.0,
        "wait_s": 2.5,
    }
    assert row["sctir"]["ends"] == {"answer": 10}
    assert table["all"] == row


def test_majority_curve_worked_by_hand():
    # At k = 2, seed 1, problem b ties, 3 against 2; equally likely, "2" is first as text.
    assert majority_curve(RESULTS) == [
        {"split": "s", "k": 1, "accuracy": 0.5},
        {"split": "s", "k": 2, "accuracy": 0.75},
        {"split": "s", "k": 3, "accuracy": 0.75},
    ]


@pytest.mark.parametrize(("right", "n"), [(0, 12), (5, 12), (12, 12), (62, 83)])
def test_wilson_is_scipys(right, n):
    ours = wilson(right / n, n)
    theirs = binomtest(right, n).proportion_ci(method="wilson")
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_none_of_twelve_is_up_to_a_quarter():
    assert [round(100 * bound) for bound in wilson(0, 12)] == [0, 24]


def test_no_answer_and_an_undecided_one_are_not_right():
    assert not is_right(None, "1")
    assert not is_right("x+1", "1+x")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([trace("a", "1")], "'b' is missing"),
        ([trace("a", "1"), trace("a", "1"), trace("b", "1")], "'a' is there twice"),
        ([trace("a", "1"), trace("b", "1"), trace("c", "1")], "'c' is not in the split"),
    ],
)
def test_rows_that_do_not_fit_the_problems_are_refused(tmp_path, rows, reason):
    with pytest.raises(UserError, match=reason):
        in_order(tmp_path / "x.jsonl", PROBLEMS, rows)


def test_a_missing_file_is_named(tmp_path):
    write_rows(tmp_path / "validation" / "s.jsonl", PROBLEMS)
    with pytest.raises(UserError, match=r"cot/s\.jsonl: not found"):
        read_results(tmp_path / "validation", tmp_path / "greedy", tmp_path / "sctir")
