"""Deciding equality: a table of traps, properties, and the labelled pairs."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numina.answer.equal import alike, as_integer, equal
from numina.answer.grade import grade
from numina.bench.grade import PAIRS, read_labelled, summary

ROOT = Path(__file__).parents[2]
CASES = json.loads(Path(__file__).with_name("equal_cases.json").read_text(encoding="utf-8"))
ALL = [
    pytest.param(*case, id=f"{table}: {trap}")
    for table, cases in CASES.items()
    for trap, case in cases.items()
]
WHOLE = st.integers() | st.integers(-30, 30) | st.integers(10**20, 10**22)
SMALL = st.integers(1, 60)


@pytest.mark.parametrize(("prediction", "gold", "verdict"), ALL)
def test_a_trap(prediction, gold, verdict):
    assert equal(prediction, gold).equal is verdict


@pytest.mark.parametrize(("prediction", "gold", "verdict"), ALL)
def test_sides_may_be_swapped_but_for_roundings(prediction, gold, verdict):
    rounded = {"1/3", "0.333", "0.33", "3.14"} & {prediction, gold}
    if not rounded:
        assert equal(gold, prediction).equal is verdict


@given(WHOLE, WHOLE)
def test_whole_numbers_are_equal_as_ints_are(left, right):
    assert equal(str(left), str(right)).equal is (left == right)
    assert equal(f"${left}$", f"{right}.0").equal is (left == right)
    assert as_integer(str(left)) == left


@given(st.text(max_size=40))
def test_every_text_is_equal_to_itself_at_once(text):
    assert equal(text, text).method in ("text", "integer")
    assert equal(text, text).equal is True


@given(st.fractions(max_denominator=999), st.fractions(max_denominator=999))
def test_fractions_are_equal_as_rationals_are(left, right):
    latex = rf"\frac{{{left.numerator}}}{{{left.denominator}}}"
    assert equal(latex, str(right)).equal is (left == right)
    assert equal(str(right), latex).equal is (left == right)


@settings(max_examples=30, deadline=None)
@given(SMALL, SMALL, SMALL, st.integers(-1, 1))
def test_roots_are_equal_where_their_squares_are(a, b, c, off):
    left, right = rf"{a}\sqrt{{{b}}}+{c}", rf"{c + off}+\sqrt{{{a * a * b}}}"
    assert equal(left, right).equal is (off == 0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=4), st.randoms())
def test_sets_have_no_order_and_pairs_have(numbers, draw):
    other = draw.sample(numbers, len(numbers))
    left, right = (", ".join(map(str, side)) for side in (numbers, other))
    assert equal(rf"\{{{left}\}}", rf"\{{{right}\}}").equal is True
    assert equal(f"({left})", f"({right})").equal is (numbers == other)


@given(st.fractions(-50, 50, max_denominator=90), st.integers(2, 6))
def test_a_gold_decimal_accepts_what_rounds_to_it(value, places):
    shown = f"{round(float(value), places):.{places}f}"
    ends = Fraction(shown).denominator == 1 and value.denominator > 1
    if abs(Fraction(shown) - value) < Fraction(1, 2 * 10**places) and not ends:
        assert equal(str(value), shown).equal is True
        off = f"{float(shown) + 3 / 10**places:.{places}f}"
        assert equal(str(value), off).equal is False


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        *[("18", 18), ("18.0", 18), ("36/2", 18), ("3.5", None), ("n", None), ("", None)],
        *[(r"18\text{ cm}", 18), ("x = 18", 18), (r"\$1{,}800", 1800), (r"90^\circ", 90)],
        *[("50%", None), ("1202_3", None), ("9" * 5000, None), ("-018", -18)],
    ],
)
def test_whole_values_are_integers(answer, value):
    assert as_integer(answer) == value


def test_numbers_beyond_pythons_limit_are_decided_by_their_digits():
    long = "9" * 1_000_000
    assert equal(long, "0" + long).equal is True
    assert equal(long, long[:-1] + "8").equal is False
    assert equal("-" + long, long).equal is False
    assert equal(f"{long}.5", long).equal in (False, None)


def test_votes_count_roundings_as_one_only_both_ways():
    assert alike("0.5", "1/2")
    assert not alike("0.333", "0.33")
    assert alike("0.333", "0.33") == alike("0.33", "0.333")


@pytest.mark.skipif(not (ROOT / PAIRS).exists(), reason="the labelled pairs are not here")
def test_labelled_pairs_are_decided_well():
    pairs = read_labelled(ROOT / PAIRS)
    found = summary(pairs, [done.equal for done in grade([(p.prediction, p.gold) for p in pairs])])
    assert found["accuracy"] >= 0.97
    assert found["wrong_integers"] == 0
    assert found["false_positives"] <= 2
