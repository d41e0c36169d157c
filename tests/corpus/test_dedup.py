"""Duplicates, on tables of pairs: what makes no other problem, and what does."""

import sys
from pathlib import Path

import pytest

from numina.bench.synthetic import one_template, one_wording, synthetic
from numina.corpus.dedup import clean, sift
from numina.corpus.duplicates import MOST, Duplicates
from numina.corpus.statement import plain_answer
from numina.corpus.wording import read, spelt_alike
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import read_problems, write_rows
from numina.rows.rejected import each_removal
from tests.conftest import SHARED, changed_params, shards

RULES = changed_params().dedup
NGRAM = changed_params({"dedup.leaks": "ngram", "dedup.ngram": 6}).dedup


def problem(name: str, text: str, **fields: str) -> Problem:
    return Problem(name, text, fields.pop("answer", "1"), "test", **fields)


def both(one: str, other: str, **fields: str) -> list[Removal]:
    """The removals among two rows."""
    return clean([problem("a", one), problem("b", other, **fields)], [], RULES)[1]


SAME = [
    ("What is $2+2$?", "what is 2 + 2"),
    ("Compute $\\left(\\dfrac{1}{2}\\right)^2$.", "Compute \\[(\\frac{1}{2})^{2}\\]"),
    ("Compute $\\dfrac12+\\frac1{2}$.", "Compute $\\frac{1}{2} + \\tfrac{1}{2}$"),
    ("Find $x$ if $x\\le 1{,}000$.", "Find $x$ if $x \\leq 1,000$!"),
    ("A right-angled triangle", "A right angled triangle"),
    ("Compute $3−1$.", "Compute 3 - 1."),
    ("Let $a_1=2, \\dots, a_n$", "Let $a_{1} = 2, \\ldots, a_{n}$"),
    ("What is ${DF}$ if $${x^2 = 9}$$", "What is $DF$ if $x^2=9$?"),
    ("Solve x² ≤ 9.", "Solve $x^2 \\leqslant 9$."),
    ("Compute $\\sin 60°$.", "Compute $\\sin 60^{\\circ}$."),
    ("Find the $n^{\\text{th}}$ term.", "Find the $n^{th}$ term."),
    ("Solve \\begin{align*}x+y&=1,\\\\ x-y&=3.\\end{align*}", "Solve $x+y=1$, $x-y=3$."),
    ("**Problem 3.** Find the sum.", "Find the sum."),
    ("(10 points) Find the sum.", "Find the sum."),
    ("Compute $\\big|\\pi-|\\pi-7|\\big|$", "Compute $\\left|\\pi - |\\pi - 7|\\right|$."),
    ("It costs \\$5. Why?", "It costs $5$.\n\nWhy?"),
    ("Let $f: A \\to B$.", "Let $f:A\\rightarrow B$"),
    ("Let $a=1.$ Find $a+1.$ (Why.)", "Let \\(a=1.\\)\nFind \\[a+1.\\]\\left(Why.\\right)"),
    ("Let $a=1$; find $a+1$. Why?", "Let $a=1$. Find $a+1$; why?"),
    ("in the ratio 3:2", "in the ratio 3 : 2"),
    ("Find: $x+1$.", "Find $x+1$"),
    ("Find .5 of it", "Find $0.5$ of it."),
]
DIFFERENT = [
    ("Compute $2n+1$.", "Compute $2n-1$."),
    ("Solve $x^2-4x+3=0$.", "Solve $x^2+4x-3=0$."),
    ("Compute 12/4.", "Compute 12-4."),
    ("Compute 12-4.", "Compute 12+4."),
    ("Compute $\\sin 60^\\circ$.", "Compute $\\sin(-60^\\circ)$."),
    ("What is $88 \\div (4 \\div 2)$?", "What is $88 \\div 4 \\div 2$?"),
    ("Let $k > 0$.", "Let $k < 0$."),
    ("Let $k \\ge 0$.", "Let $k > 0$."),
    ("Compute $5!$.", "Compute $5$."),
    ("Compute $f'(2)$.", "Compute $f(2)$."),
    ("Compute $|x|$ at 3.", "Compute $x$ at 3."),
    ("Compute 22.5.", "Compute 225."),
    ("Compute $2^{n+1}$.", "Compute $2^n+1$."),
    ("Compute $\\sqrt{x+1}$.", "Compute $\\sqrt{x}+1$."),
    ("Compute $\\arcsin 1$ in radians.", "Compute $\\arcsin(-1)$ in radians."),
    ("The roots of $z^4+z^2+1$", "The roots of $z^4-z^2+1$"),
    ("Compute $AB-CD$.", "Compute $AB+CD$."),
    ("Find $a-b$.", "Find $ab$."),
    ("What is the ratio 3:2?", "What is the ratio 32?"),
    ("Add $1, 2, 3, \\dots$", "Add $1, 2, 3$"),
    ("What is the value of $x$?", "What is the value of $X$?"),
    ("Find the sum of two odd numbers.", "Find the sum of two even numbers."),
    ("What is 50\\% of 6?", "What is 50 of 6?"),
    ("Invert $\\begin{pmatrix}1&2\\end{pmatrix}$", "Invert $\\begin{pmatrix}1\\\\2\\end{pmatrix}$"),
    ("Of eight cards, draw one of them.", "Of eighty cards, draw one of them."),
    ("Draw the seventh of the cards now.", "Draw the seven of the cards now."),
    ("Anna has 3 more apples than Bert.", "Bert has 3 more apples than Anna."),
    ("Find the perimeter of the square.", "Find the area of the square."),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_formatting_makes_no_other_problem(one, other):
    assert [(removal.row.id, removal.rule) for removal in both(one, other)] == [("b", "duplicate")]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_signs_operators_relations_and_words_make_another_problem(one, other):
    assert both(one, other) == []
    for row, known in ((one, other), (other, one)):
        assert clean([problem("b", row)], [problem("a", known)], RULES)[1] == []


LONG = "How many of the numbers from 1 to 99 have a square that ends in an odd digit, and why?"
NEARLY = {
    "filler": LONG.replace("of the", "of"),
    "verb": LONG.replace("How many", "Compute how many"),
    "letter": LONG.replace("square", "sqaure"),
}


@pytest.mark.parametrize("text", NEARLY.values(), ids=NEARLY)
def test_wording_makes_a_near_duplicate(text):
    first = LONG.replace("How many", "Find how many") if "Compute" in text else LONG
    (removal,) = both(first, text)
    assert (removal.rule, removal.partner) == ("near_duplicate", "a")
    assert 0.9 < removal.score <= 1


def test_the_order_of_sentences_makes_a_near_duplicate():
    (removal,) = both("Let $x=2$. Let $y=3$. Find $x+y$.", "Let $y=3$. Let $x=2$. Find $x+y$.")
    assert removal.rule == "near_duplicate"


@pytest.mark.parametrize(("one", "other"), [("1", "2"), ("\\frac12", "0.25"), ("(1,2)", "(2,1)")])
def test_other_answers_make_another_problem(one, other):
    rows = [problem("a", LONG, answer=one), problem("b", LONG, answer=other)]
    assert clean(rows, [], RULES)[1] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2340", "\\mathbf{2340}"),
        ("\\frac12", "0.5"),
        ("4", "b=4"),
        ("7-2\\pi", "7 - 2 \\pi"),
        ("90", "90^\\circ"),
        ("1000", "1,000"),
        ("18", "\\textbf{(C)}\\ 18"),
        ("32", "\\$32"),
        ("12", "12\\text{ cm}^2"),
        ("12", "12 square feet"),
    ],
)
def test_one_answer_in_two_spellings(one, other):
    assert plain_answer(one) == plain_answer(other)


def test_a_row_stays_that_has_an_answer_or_a_solution_more():
    bare = problem("bare", LONG, answer="")
    answered, solved = problem("answered", LONG), problem("solved", LONG, solution="One.")
    assert clean([bare, answered, solved], [], RULES)[1] == []
    removed = clean([solved, answered, bare], [], RULES)[1]
    assert [(removal.row.id, removal.partner) for removal in removed] == [
        ("answered", "solved"),
        ("bare", "solved"),
    ]


def test_a_row_is_removed_only_because_of_a_kept_one():
    """Each resembles the one before it, but only every second one a kept one."""
    words = ["chords", "secant", "arcses", "sector", "radius", "segment", "tangents", "diameter"]
    texts = []
    for changed in range(5):
        text = [w[:-1] + "x" if i < changed else w for i, w in enumerate(words)]
        texts.append(" ".join([*text, "of this circle are drawn so how long is it"]))
    kept, removed = clean([problem(str(i), text) for i, text in enumerate(texts)], [], RULES)
    assert {removal.partner for removal in removed} <= {row.id for row in kept}
    assert len(kept) > 1


def test_words_for_numbers_are_never_misspelt():
    assert spelt_alike("colour", "color")
    assert spelt_alike("centre", "center")
    assert not spelt_alike("eighth", "eight")
    assert not spelt_alike("house", "mouse")
    assert not spelt_alike("odd", "add")


@pytest.mark.parametrize("rows", [one_template, one_wording])
def test_rows_of_one_template_meet_few_others(rows):
    """The index stays bounded, so that time is linear in the rows."""
    duplicates = Duplicates()
    for row in rows(400, 1):
        assert duplicates.find(row, read(row.problem)) is None
    assert all(len(places) <= MOST for places in duplicates.by_key.values())


def test_planted_duplicates_are_found_and_nothing_else():
    removed = [row for row in sift(synthetic(3000, 1), [], RULES) if isinstance(row, Removal)]
    planted = {row.id for row in synthetic(3000, 1) if "-repeats-" in row.id}
    assert {removal.row.id for removal in removed} == planted
    for removal in removed:
        assert removal.row.id.split("-repeats-")[1] == removal.partner


def test_what_is_a_duplicate_in_math():
    if not SHARED.exists():
        pytest.skip("the shared data are not on this machine")
    _, removed = clean(read_problems(SHARED / "train/math_train.jsonl.gz"), [], RULES)
    short = {r.row.id.removeprefix("MATH/train/"): r.partner[len("MATH/train/") :] for r in removed}
    assert short == {
        "algebra/24377": "algebra/2463",
        "intermediate_algebra/1163": "intermediate_algebra/506",
        "precalculus/8013": "precalculus/1225",
        # Also the same problems, word for word but for \left, "the", and "these" for "those".
        "intermediate_algebra/1777": "algebra/2681",
        "algebra/2244": "algebra/950",
        "intermediate_algebra/1415": "algebra/146",
    }


def test_the_stage_writes_what_it_removed_whole(tmp_path, monkeypatch):
    from stages import dedup

    rows = {
        "collected/problems": [problem("a", LONG), problem("b", LONG, solution="So \\boxed{1}.")],
        "validation/amc": [problem("v", "What is 2+2?")],
    }
    rows["collected/problems"] += [problem("c", LONG + "  "), problem("d", "What is $2+2$?")]
    shards(tmp_path / "collected/problems", *rows["collected/problems"])
    write_rows(tmp_path / "validation/amc.jsonl", rows["validation/amc"])
    paths = {name: str(tmp_path / name) for name in ("collected", "validation", "out")}
    arguments = [part for name, path in paths.items() for part in (f"--{name}", path)]
    monkeypatch.setattr(sys, "argv", ["dedup", *arguments])
    said = dedup.main()
    assert said.startswith("2 of 4 kept")
    removed = list(each_removal(Path(paths["out"]) / "rejected"))
    assert [(r.rule, r.partner, r.score, r.row.id) for r in removed] == [
        ("duplicate", "a", 1.0, "c"),
        ("leak", "v", 1.0, "d"),
    ]
    assert removed[0].row.problem == LONG + "  "
