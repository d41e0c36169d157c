"""Finding answers and deciding equality."""

import pytest

from numina.answer.equal import as_integer, equal
from numina.answer.find import find_answer, last_box


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"so $\boxed{16}$.", "16"),
        (r"$\boxed{1}$ then $\boxed{\frac{1}{2}}$", r"\frac{1}{2}"),
        (r"$\boxed{3}$ and an open \boxed{4", "3"),
        (r"\fbox{7}", "7"),
        (r"\boxed {8}", "8"),
        (r"\boxed{a\}b}", r"a\}b"),
        ("no box", None),
    ],
)
def test_the_last_closed_box_is_the_answer(text, found):
    assert last_box(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The answer is 12.", "12"),
        ("The answer is $12$. Done", "12"),
        ("The final answer is: 3.5", "3.5"),
        ("Nothing here.", None),
    ],
)
def test_a_phrase_serves_where_there_is_no_box(text, found):
    assert find_answer(text) == found


@pytest.mark.parametrize(
    ("prediction", "gold", "verdict"),
    [
        ("18", "18", True),
        ("018", "18", True),
        ("18.0", "18", True),
        ("3.5", "4", False),  # the notebook votes this as 4
        ("0.4", "0", False),
        ("1234", "234", False),  # nothing is taken modulo 1000
        ("-4", "4", False),
        ("-4", "-4", True),
        ("1,000", "1000", True),
        ("300", "3", False),  # a percent rule would accept it
        ("99999", "99998", False),  # so would a relative tolerance
        ("123456789012345678901", "123456789012345678900", False),  # and floats
        (r"\frac{1}{2}", "0.5", True),
        (r"\dfrac{2}{4}", "1/2", True),
        ("1202_3", "12023", None),
        ("x+1", "x+1", True),
        ("1+x", "x+1", None),
        ("9" * 5000, "9" * 5000, True),
        ("1/0", "1", None),
    ],
)
def test_equality_is_exact_or_undecided(prediction, gold, verdict):
    assert equal(prediction, gold).equal is verdict


@pytest.mark.parametrize(
    ("answer", "value"), [("18", 18), ("18.0", 18), ("36/2", 18), ("3.5", None), ("n", None)]
)
def test_whole_values_are_integers(answer, value):
    assert as_integer(answer) == value
