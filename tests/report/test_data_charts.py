"""The pictures of the training data say what the rows are."""

import re
from collections import Counter

import pytest

from numina.records.problem import Problem
from numina.report.data_charts import MOST, bar_chart, data_charts
from numina.report.tables import DataRow
from numina.report.training_rows import described, kind_of, length_class, shortest


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("42", "whole number"),
        ("-7", "whole number"),
        ("x = 5", "whole number"),
        ("0.25", "fraction or decimal"),
        ("\\frac{3}{4}", "fraction or decimal"),
        ("$-\\frac12$", "fraction or decimal"),
        ("3\\sqrt{2}", "other number"),
        ("\\frac{\\pi}{2}", "other number"),
        ("(2, 3)", "several values or a set"),
        ("[0, 1) \\cup (2, \\infty)", "several values or a set"),
        ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "several values or a set"),
        ("2 and 3", "several values or a set"),
        ("\\textbf{(B)}", "option"),
        ("C", "option"),
        ("x^2 + 2x", "formula"),
        ("n-1", "formula"),
        ("\\text{Tuesday}", "words"),
        ("", "none"),
    ],
)
def test_answers_are_sorted_by_kind(answer, kind):
    assert kind_of(answer) == kind


def test_rows_are_counted_by_source_length_and_kind():
    rows = [
        Problem("a", "?", "1", "hub/set", solution="x" * 100, subsource="olympiads"),
        Problem("b", "?", "2", "hub/set", solution="x" * 100, subsource="aops"),
        Problem("c", "?", "\\frac12", "mine", solution=""),
    ]
    found = described(rows)
    assert found.total == 3
    assert found.sources == {"hub/set": 2, "mine": 1}
    assert found.origins == {"hub/set: olympiads": 1, "hub/set: aops": 1, "mine": 1}
    assert found.kinds == {"whole number": 2, "fraction or decimal": 1}
    assert found.lengths == {length_class(100): 2, 0: 1}
    assert shortest(length_class(100)) <= 100 < shortest(length_class(100) + 1)


def words(svg: str) -> list[str]:
    """What a chart says."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_every_picture_says_what_it_shows():
    rows = [
        Problem(str(n), "?", str(n), f"family_{n % 20}", solution="x" * (30 * n)) for n in range(60)
    ]
    stages = [DataRow("Chains of thought", 9, 5, {"not drawn": 3, "run together": 1})]
    charts = data_charts({"CoT": described(rows), "TIR": described(rows[:9])}, stages)
    for svg in charts:
        assert svg.startswith('<svg class="chart" role="img" aria-label=')
        assert "#000000" not in svg
    assert {"CoT", "TIR", "family 0", f"{20 - MOST} others"} <= set(words(charts.sources))
    assert "whole number" in words(charts.kinds) and "option" not in words(charts.kinds)
    assert {"not drawn", "run together", "Chains of thought"} <= set(words(charts.removals))
    again = data_charts({"CoT": described(rows), "TIR": described(rows[:9])}, stages)
    assert charts == again


def test_a_picture_with_nothing_to_show_is_left_out():
    charts = data_charts({"CoT": described([])}, [DataRow("Collected", 5, 5, {})])
    assert set(charts) == {""}


def test_names_in_a_picture_are_escaped_and_cut():
    svg = bar_chart({"<script>" + "x" * 60: {"a": 1}}, "rows", "A picture")
    assert "<script" not in svg
    assert Counter(words(svg))["&lt;script&gt;" + "x" * 25 + "…"] == 1
