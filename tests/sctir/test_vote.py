"""The vote: what counts, what it weighs, who wins."""

import math

import pytest

from numina.answer.rule import admit
from numina.sctir.vote import groups, leaders, margin, tally, weight_of
from numina.settings.splits import AnswerRule
from tests.conftest import PARAMS, make_trace

SCTIR = PARAMS.sctir


def trace(index: int, answer: str | None, logprob: float = -0.1):
    return make_trace("p", index, answer, logprob=logprob)


def test_equal_answers_vote_together():
    votes = tally([trace(0, "18"), trace(1, "18.0"), trace(2, "17"), trace(3, None)])
    assert votes == [("18", 2), ("17", 1)]


def test_ties_go_to_the_likelier_answer_whoever_came_first():
    assert tally([trace(0, "5", -0.9), trace(1, "7", -0.2)])[0] == ("7", 1)
    assert tally([trace(1, "7", -0.2), trace(0, "5", -0.9)])[0] == ("7", 1)


def test_a_tie_names_all_its_leaders():
    answers = ["810", "392", "84", "810", "392"]
    votes = tally([trace(i, answer) for i, answer in enumerate(answers)])
    assert sorted(leaders(votes)) == ["392", "810"]
    assert leaders(tally([trace(0, "5"), trace(1, "5.0"), trace(2, "6")])) == ["5"]
    assert leaders([]) == []


def test_groups_do_not_depend_on_the_order_of_traces():
    answers = ["5 cm", "5", "5%", r"\frac{10}{2}", "5", "0.05", r"\sqrt{25}", "6"]
    expected = None
    for turn in range(8):
        order = answers[turn:] + answers[:turn]
        traces = [trace(i, answer) for i, answer in enumerate(order)]
        votes = tally(traces)
        expected = expected or votes
        assert votes == expected
        assert sum(len(group.traces) for group in groups(traces)) == len(answers)
    assert expected == [("5", 5), ("0.05", 1), ("5%", 1), ("6", 1)]


def test_no_answers_no_votes():
    assert tally([trace(0, None)]) == []
    assert margin([]) == 0


def test_a_vote_by_log_probability_counts_sure_traces_more():
    by_logprob = weight_of(SCTIR.model_copy(update={"vote": "logprob", "vote_power": 1.0}))
    unsure = [trace(0, "5", -2.0), trace(1, "5", -2.0)]
    votes = tally([*unsure, trace(2, "7", -0.1)], by_logprob)
    assert votes[0] == ("7", pytest.approx(math.exp(-0.1), abs=1e-6))
    assert tally([*unsure, trace(2, "7", -0.1)])[0] == ("5", 2)


@pytest.mark.parametrize(("power", "winner"), [(1.0, "5"), (4.0, "5"), (20.0, "7"), (1000.0, "7")])
def test_the_power_of_a_vote_goes_from_the_majority_to_the_surest_trace(power, winner):
    weight = weight_of(SCTIR.model_copy(update={"vote": "logprob", "vote_power": power}))
    votes = tally([trace(0, "5", -0.2), trace(1, "5", -0.2), trace(2, "7", -0.1)], weight)
    assert votes[0][0] == winner


def test_small_weights_keep_their_order_and_make_no_ties():
    weight = weight_of(SCTIR.model_copy(update={"vote": "logprob", "vote_power": 100.0}))
    votes = tally([trace(0, "5", -0.3), trace(1, "7", -0.4), trace(2, "9", -0.4)], weight)
    assert votes[0] == ("5", pytest.approx(math.exp(-30)))
    assert leaders(votes) == ["5"]
    assert margin(votes) > 0


def test_an_answer_without_code_weighs_what_the_parameter_says():
    plain = make_trace("p", 0, "5", statuses=())
    half = weight_of(SCTIR.model_copy(update={"no_code_weight": 0.5}))
    assert tally([plain, trace(1, "7")], half) == [("7", 1), ("5", 0.5)]
    none = weight_of(SCTIR.model_copy(update={"no_code_weight": 0.0}))
    assert tally([plain], none) == []


@pytest.mark.parametrize(
    ("answer", "modulus", "lowest", "highest", "expected"),
    [
        ("3.5", 0, None, None, (None, "not_integer")),  # never voted as 4
        ("18.0", 0, None, None, ("18", "answer")),
        ("-4", 0, None, None, ("-4", "answer")),
        ("1000", 0, 0, 999, (None, "out_of_range")),
        ("-1", 0, 0, 999, (None, "out_of_range")),
        ("2024", 1000, 0, 999, ("24", "answer")),
        ("-1", 1000, 0, 999, ("999", "answer")),
        (str(10**40 + 7), 1000, 0, 999, ("7", "answer")),  # never through a float
        (r"\textbf{(245) }", 0, 0, 999, ("245", "answer")),
        (r"\textbf{(C)}\ 18", 0, 0, 999, ("18", "answer")),
        (r"2^{10}+1", 1000, 0, 999, ("25", "answer")),
        (r"\sqrt{323}", 0, 0, 999, (None, "not_integer")),
        ("-2, 5", 0, None, None, (None, "not_integer")),
    ],
)
def test_a_split_says_what_counts(answer, modulus, lowest, highest, expected):
    rule = AnswerRule(
        integer=True, modulus=modulus, lowest=lowest, highest=highest, from_output=False
    )
    assert admit(answer, rule) == expected


def test_other_splits_take_any_answer():
    rule = AnswerRule(integer=False, modulus=0, lowest=None, highest=None, from_output=False)
    assert admit("\\frac{1}{2}", rule) == ("\\frac{1}{2}", "answer")
