"""Mathematics in untrusted texts."""

import json
import time

import pytest

from numina.report.typeset import ATTRIBUTES, TAGS, Formulas, math_tree, typeset


def sources(text: str) -> list[str]:
    """The formulas that are found in a text."""
    formulas = Formulas()
    typeset(text, formulas)
    return [source for source, _, _ in formulas.rows]


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("$x$ and $$y$$", ["x", "y"]),
        (r"\(x\) and \[y\]", ["x", "y"]),
        (r"So \boxed{\frac{1}{2}}.", [r"\boxed{\frac{1}{2}}"]),
        (r"So $\boxed{3}$.", [r"\boxed{3}"]),
        ("\\begin{align*}a&=b\\end{align*}", ["\\begin{align*}a&=b\\end{align*}"]),
        ("$a\\$b$", ["a\\$b"]),
        ("Bought for $5, sold for $6.", []),
        ("From $5 to $7 each", []),
        ("It costs \\$5 or \\$6.", []),
        ("$a\n\nb$", []),
        ("$ x $", []),
        (r"\boxed{never closed", []),
        ("$never closed", []),
    ],
)
def test_formulas_are_told_from_prices(text, formulas):
    assert sources(text) == formulas


def test_prose_and_formulas_keep_their_order():
    formulas = Formulas()
    assert typeset("Let $x$ be \\$5, $y$ or $x$.", formulas) == [
        "Let ",
        0,
        " be $5, ",
        1,
        " or ",
        0,
        ".",
    ]
    assert [row[:2] for row in formulas.rows] == [("x", 0), ("y", 0)]


def test_a_box_is_drawn_as_one():
    assert math_tree(r"\boxed{3}") == [
        *("math", ["mrow", ["mrow", {"class": "boxed"}, ["mrow", ["mn", "3"]]]]),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        r"\frac{a",
        r"\unknown{3}",
        r"\left(",
        "x^",
        "{" * 500,
        r"\begin{array}{c}",
        "x" * 2000,
        r"\sqrt" * 400,
        r"\begin{pmatrix} \end{cases}",
    ],
)
def test_broken_latex_is_no_formula_or_a_harmless_one(broken):
    tree = math_tree(broken)
    assert tree is None or json.dumps(tree)


def harmless(tree: list) -> bool:
    """Whether a tree has known elements and attributes only."""
    good = tree[0] in {*TAGS, "math"}
    for part in tree[1:]:
        if isinstance(part, dict):
            good &= part == {"class": "boxed"} or set(part) <= ATTRIBUTES
        elif isinstance(part, list):
            good &= harmless(part)
    return good


@pytest.mark.parametrize(
    "attack",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(//evil.example)}{x}",
        r"\class{badge}{x}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\color{red}{x}",
        r"<script>alert(1)</script>",
        r"\text{&lt;script&gt;}",
    ],
)
def test_markup_links_and_styles_in_latex_become_nothing_else_than_text(attack):
    tree = math_tree(attack)
    assert tree is None or harmless(tree)


def test_signs_are_signs_and_no_entities():
    assert "&" not in json.dumps(math_tree("a < b"))


def test_hostile_text_takes_no_time():
    started = time.monotonic()
    for part in ("$", "\\(", "\\[", "\\boxed{", "$a ", "\\begin{align}"):
        typeset(part * 5000, Formulas())
    assert time.monotonic() - started < 10
