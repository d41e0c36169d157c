"""Realigning by rule: the box is the answer, before and after, and stands at the end."""

import pytest

from numina.answer.equal import equal
from numina.answer.find import last_box
from numina.corpus.cot import by_rule
from numina.corpus.realign import Objection, in_box, realign
from numina.records.problem import Problem


def row(solution: str, answer: str, problem: str = "What is it?") -> Problem:
    return Problem("a", problem, answer, "test", solution=solution)


CONTRADICTIONS = [
    ("So \\boxed{5}.", "4", "answer_differs"),
    ("So \\boxed{5}. Then $3+2=5$.", "4", "answer_differs"),
    ("We find \\boxed{\\frac{1}{2}}.", "\\frac{1}{3}", "answer_differs"),
    ("So \\boxed{\\text{neither}}.", "5", "answer_differs"),
    ("We add.\n#### 71", "72", "answer_differs"),
    ("Adding up, the answer is 12.", "13", "answer_differs"),
    ("Adding up, we get $7 + 5 = 12$ of them.", "13", "answer_not_reached"),
]


@pytest.mark.parametrize(("solution", "answer", "rule"), CONTRADICTIONS)
def test_a_solution_that_ends_in_another_answer_is_left_out_with_both(solution, answer, rule):
    made = by_rule(row(solution, answer))
    assert isinstance(made, Objection)
    assert made.rule == rule
    assert answer in made.reason


KEPT = [
    ("So \\boxed{5}.", "5.0"),
    ("Either \\boxed{3} or \\boxed{5}.", "3, 5"),
    ("So the answer is \\boxed{\\textbf{(B)}\\ 12}.", "B"),
    ("It is \\boxed{0.5}.", "\\frac12"),
    ("It follows that $x=\\boxed 9$.", "9"),
    ("Adding up, we get $7 + 5 = 12$ of them.", "12"),
    ("There are44of them.", "44"),
    ("We count.", "7"),
    ("The answer is 7.", ""),
    ("We add.\n#### 1,234", "1234"),
    ("So the ratio is 3 to 2.", "3:2"),
]


@pytest.mark.parametrize(("solution", "answer"), KEPT)
def test_a_solution_ends_in_a_box_that_equals_its_answer(solution, answer):
    made = by_rule(row(solution, answer))
    assert isinstance(made, Problem), made
    box = last_box(made.solution)
    assert box and made.answer
    assert equal(made.solution, made.answer).equal


@pytest.mark.parametrize(
    ("solution", "realigned"),
    [
        (
            "The answer is $\\boxed{12}$. There are $3$ rows of $4$ chairs, so $3\\cdot4=12$.",
            "There are $3$ rows of $4$ chairs, so $3\\cdot4=12$.\nThe answer is $\\boxed{12}$.",
        ),
        (
            "**Answer: 12**\n\nSolution: There are $3$ rows of $4$ chairs, so that $12$ are there.",
            "There are $3$ rows of $4$ chairs, so that $12$ are there.\n"
            "The answer is $\\boxed{12}$.",
        ),
        (
            "\\boxed{12}\nThere are $3$ rows of $4$ chairs, so the hall has \\boxed{12} of them.",
            "There are $3$ rows of $4$ chairs, so the hall has \\boxed{12} of them.",
        ),
        (
            "There are \\boxed{12} chairs. This is because the hall has $3$ rows, and every one of "
            "these rows holds $4$ chairs, which we multiply to find how many there are.",
            "There are \\boxed{12} chairs. This is because the hall has $3$ rows, and every one of "
            "these rows holds $4$ chairs, which we multiply to find how many there are.\n"
            "The answer is $\\boxed{12}$.",
        ),
        ("There are \\boxed{12} chairs in all.", "There are \\boxed{12} chairs in all."),
        (
            'So it is \\boxed{12}. [asy] draw((0,0)--(1,1)); label("long", (0,0)); [/asy]',
            'So it is \\boxed{12}. [asy] draw((0,0)--(1,1)); label("long", (0,0)); [/asy]',
        ),
    ],
)
def test_sentences_are_put_in_order(solution, realigned):
    assert realign(row(solution, "12")).solution == realigned


def test_a_first_sentence_that_states_another_value_is_kept():
    solution = (
        "The answer is not 5, as one may think. There are $3$ rows of $4$ chairs, hence $12$."
    )
    assert realign(row(solution, "12")).solution.startswith("The answer is not 5")


@pytest.mark.parametrize(
    ("answer", "box"),
    [
        ("18", "18"),
        ("$3\\sqrt{2}$", "3\\sqrt{2}"),
        ("$75^{\\circ}$.", "75^{\\circ}"),
        ("$x<0$ or $x>4$", "x<0\\text{ or }x>4"),
        ("\\$5", "\\$5"),
        ("$a", "a"),
    ],
)
def test_a_box_holds_no_dollar_signs(answer, box):
    assert in_box(answer) == box
