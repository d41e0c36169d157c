"""Families as sets: what is declared, and unions of progressions against their members."""

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from numina.answer.compare import Undecided
from numina.answer.declared import Domain, take_declarations
from numina.answer.families import equal_families
from numina.answer.normalise import clean

WHOLE, REAL = Domain(), Domain(real=True)
DECLARED = [
    (r"k\pi, k\in\mathbb{Z}", r"k\pi", {"k": WHOLE}),
    (r"k\pi\ (k\in\mathbb Z)", r"k\pi", {"k": WHOLE}),
    (r"k\pi \text{ for some integer } k", r"k\pi", {"k": WHOLE}),
    (r"k\pi, \text{ where } k \text{ is an integer}", r"k\pi", {"k": WHOLE}),
    (r"k\pi, k = 0, \pm1, \pm2, \ldots", r"k\pi", {"k": WHOLE}),
    (r"k\pi（k∈Z）", r"k\pi", {"k": WHOLE}),
    (r"k\pi, 其中k为整数", r"k\pi", {"k": WHOLE}),
    (r"2k, k\in\mathbb{N}", "2k", {"k": Domain(natural=True)}),
    (r"2k, k\in\mathbb{N}^*", "2k", {"k": Domain(low=1)}),
    (r"2k, k\in\mathbb{Z}, k\ge 3", "2k", {"k": Domain(low=3)}),
    (r"2k, k\in\mathbb{Z}, k\ne 0", "2k", {"k": Domain(without=(0,))}),
    (r"2k (0\le k\le 3, k\in\mathbb{Z})", "2k", {"k": Domain(low=0, high=3)}),
    (r"2k, k=0,1,4", "2k", {"k": Domain(listed=(0, 1, 4))}),
    (r"(1-t, t), t\in\mathbb{R}", "(1-t, t)", {"t": REAL}),
    (r"(s-t, t), s, t\in\mathbb{R}", "(s-t, t)", {"s": REAL, "t": REAL}),
    (r"\{x\in\mathbb{Z}: x^2\le 1\}", r"\{ : x^2\le 1\}", {"x": WHOLE}),
    ("x = 5", "x = 5", {}),
    (r"x\in\mathbb{C}", r"x\in C", {}),
]
OFFSETS = st.builds(Fraction, st.integers(-6, 6), st.integers(1, 4))
STEPS = st.builds(Fraction, st.sampled_from([1, 2, 3, -2]), st.integers(1, 3))
UNIONS = st.lists(st.tuples(OFFSETS, STEPS), min_size=1, max_size=3)


@pytest.mark.parametrize(("answer", "body", "domains"), DECLARED)
def test_what_an_answer_declares(answer, body, domains):
    assert take_declarations(clean(answer, declared=True)) == (body, domains)


@settings(max_examples=60)
@given(UNIONS, UNIONS)
def test_unions_are_equal_as_their_members_are(left, right):
    same = members(left, right) == members(right, left)
    assert equal_families(written(left, "k"), written(right, "n")) is same


@settings(max_examples=40)
@given(UNIONS, st.integers(1, 3), st.integers(-2, 2))
def test_a_progression_is_the_union_of_its_parts(union, parts, shift):
    split = [
        (first + step * (turn + parts * shift), -parts * step)
        for first, step in union
        for turn in range(parts)
    ]
    assert equal_families(written(union, "k"), written(split, "n")) is True
    moved = [(first + Fraction(1, 97), step) for first, step in split]
    assert equal_families(written(union, "k"), written(moved, "n")) is False


@settings(max_examples=30)
@given(st.lists(st.integers(-5, 5), min_size=4, max_size=4), st.integers(-3, 3), st.booleans())
def test_a_line_has_the_same_points_from_each_of_them(numbers, shift, whole):
    x, y, a, b = numbers
    assume((a, b) != (0, 0))
    line = rf"({x}+({a})t, {y}+({b})t)"
    again = rf"({x + shift * a}-({a})s, {y + shift * b}-({b})s)"
    beside = rf"({x + shift * a - b}-({a})s, {y + shift * b + a}-({b})s)"
    numbers = r"\in\mathbb{Z}" if whole else r"\in\mathbb{R}"
    assert equal_families(f"{line}, t{numbers}", f"{again}, s{numbers}") is True
    assert equal_families(f"{line}, t{numbers}", f"{beside}, s{numbers}") is False


def test_whether_zero_is_natural_is_asked_only_where_it_matters():
    with pytest.raises(Undecided, match="natural"):
        equal_families(r"2k, k\in\mathbb{N}", r"2k, k\in\mathbb{N}^*")
    assert equal_families(r"2k, k\in\mathbb{N}", r"2n, n\in\mathbb{N}") is True


def members(union, other):
    """The members within one period that both unions have."""
    steps = [abs(step) for _, step in (*union, *other)]
    top = math.lcm(*(step.numerator for step in steps))
    period = Fraction(top, math.gcd(*(step.denominator for step in steps)))
    return {
        (first + turn * step) % period
        for first, step in union
        for turn in range(int(period / abs(step)))
    }


def written(union, letter):
    parts = (rf"x={latex(a)}\pi+{latex(d)}{letter}\pi".replace("+-", "-") for a, d in union)
    return rf"{' or '.join(parts)}, {letter}\in\mathbb{{Z}}"


def latex(value):
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
