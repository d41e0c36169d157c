"""Which greedy answers quantisation changed, worked by hand."""

import pytest

from numina.measure.quantisation import quantisation, same
from numina.measure.results import Results
from numina.measure.score import outcomes
from numina.records.problem import Problem
from tests.conftest import make_trace
from tests.measure.test_score import verdict

CASES = {  # before, after, for the gold 2: changed, and how
    "kept right": ("2", "2", None),
    "written differently": ("2", "2.0", None),
    "kept wrong": ("3", "3", None),
    "no answer both times": (None, None, None),
    "another wrong one": ("3", "4", "changed"),
    "lost": ("2", "3", "right_to_wrong"),
    "lost entirely": ("2", None, "right_to_wrong"),
    "won": ("3", "2", "wrong_to_right"),
    "won from nothing": (None, "2", "wrong_to_right"),
}


def test_answers_that_changed_are_counted_and_named():
    problems = [Problem(name, "?", "2", "t") for name in CASES]
    before = [make_trace(name, answer=CASES[name][0]) for name in CASES]
    after = [make_trace(name, answer=CASES[name][1]) for name in CASES]
    results = Results(
        problems={"s": problems},
        greedy={"cot": {"s": before}, "tir": {"s": before}, "quantised": {"s": after}},
        sctir={"s": {1: [verdict(name, 1, ["2"]) for name in CASES]}},
    )
    found = quantisation({"method": "AWQ"}, results, outcomes(results))
    answers = found["answers"]
    named = {
        kind: [f"s/{name}" for name, case in CASES.items() if case[2] == kind]
        for kind in ("right_to_wrong", "wrong_to_right")
    }
    changed = [f"s/{name}" for name, case in CASES.items() if case[2]]
    assert answers["which"] == {"changed": changed, **named}
    counts = [answers[key] for key in ("problems", "changed", "right_to_wrong", "wrong_to_right")]
    assert counts == [9, 5, 2, 2]
    assert found["method"] == "AWQ"


@pytest.mark.parametrize(
    ("before", "after", "alike"),
    [("1/2", "0.5", True), ("1/2", None, False), (None, "", False), ("x+1", "1+x", True)],
)
def test_equal_answers_are_the_same(before, after, alike):
    assert same(before, after) == alike
