"""The report's page and pictures."""

from pathlib import Path

import pytest

from numina.records import Problem, Trace, Verdict
from numina.report.charts import dag_chart, dag_edges, line_chart
from numina.report.page import Segment, choose_traces, counts, headline, render, segments
from numina.score import Results, metrics
from tests.conftest import make_trace
from tests.dag import ROOT, stages

TEXT = "We <add>.\n```python\nprint(1 < 2)\n```\n```output\nTrue\n```\nSo $\\boxed{3}$."


def trace(index: int, answer: str | None, text: str = TEXT) -> Trace:
    return make_trace("p", index, answer, text=text)


def results(answer: str = "3") -> Results:
    problem = Problem("p", "Is <script>alert(1)</script> three?", "3", "t")
    traces = [trace(0, answer), trace(1, "7")]
    verdict = Verdict("p", 1, answer, {answer: 1, "7": 1}, 3, traces, "lossless", 2, 1, 0, 2.0)
    greedy = {system: {"mini": [trace(0, "7")]} for system in ("cot", "tir", "gptq")}
    return Results({"mini": [problem]}, greedy, {"mini": {1: [verdict]}})


def page(found: Results) -> str:
    table = metrics(found, 4.0)
    return render(
        {
            "table": table,
            "headline": headline(table),
            "majority": line_chart({"mini": [(1, 0.5), (2, 0.6)]}, "k", "right", percent=True),
            "loss": line_chart({"CoT": [(1, 2.0), (2, 1.0)]}, "step", "loss"),
            "traces": choose_traces(found),
            "counts": counts(found),
            "rounds": {"1": {"attempts": 4, "correct": 3, "wrong": 1, "failed": 0}},
            "cost": {
                "bits": 8,
                "loss_before": 1.0,
                "loss_after": 1.1,
                "bytes_before": 2**20,
                "bytes_after": 2**19,
            },
            "dag": dag_chart(ROOT / "dvc.yaml"),
            "run": {
                "machine": {
                    "processor": "P",
                    "cores": 2,
                    "memory_gib": 8,
                    "python": "3.11",
                    "accelerators": [],
                },
                "isolation": {"seccomp": True, "landlock": False},
            },
            "versions": {"torch": "2"},
            "params": "sctir: {n: 8}",
        }
    )


def test_a_trace_is_cut_into_prose_programs_and_outputs():
    assert segments(TEXT) == [
        Segment("text", "We <add>."),
        Segment("python", "print(1 < 2)"),
        Segment("output", "True"),
        Segment("text", "So $\\boxed{3}$."),
    ]


def test_an_unclosed_block_runs_to_the_end():
    assert segments("```python\nx = 1") == [Segment("python", "x = 1")]


def test_the_page_stands_alone_and_escapes_what_models_and_problems_say():
    html = page(results())
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "We &lt;add&gt;." in html
    assert "http://" not in html.replace("http://www.w3.org/", "")
    assert "https://" not in html
    assert html.count("<article>") == 1  # a problem is shown once, and there is only one


def test_equal_results_give_equal_pages():
    assert page(results()) == page(results())


def test_a_split_with_nothing_right_is_said_so_plainly():
    text = headline(metrics(results("8"), 4.0))
    assert "On mini it solves none: 0 of 1, [0, 79]%." in text
    assert "beyond this model" in text


def test_the_picture_of_the_dag_has_every_stage_and_its_edges():
    edges = dag_edges(stages())
    assert ("sft_cot", "sft_tir") in edges
    assert ("quantize", "eval_greedy") in edges
    assert ("digitize", "collect") in edges
    assert ("score", "report") in edges
    picture = dag_chart(ROOT / "dvc.yaml")
    assert all(f">{name}</text>" in picture for name in stages())


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md", "LICENSE"])
def test_what_a_stranger_looks_for_first_is_there(file):
    assert (Path(ROOT) / file).exists()
