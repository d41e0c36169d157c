"""The report's page: what it says, and that it stands alone."""

import json
import re
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.measure.results import read_results
from numina.measure.systems import GREEDY, SCTIR, SystemLabels
from numina.report import provenance
from numina.report.browser import browser_data, compact
from numina.report.charts import Series, line_chart
from numina.report.compare import between_systems, read_outcomes, with_previous
from numina.report.headline import headline, title
from numina.report.reference import elsewhere, published
from numina.report.tables import divisions, result_rows
from numina.report.traces import Segment, entries, segments, statement
from numina.report.wording import duration, interval, p_value, points, short_count
from tests.dag import ROOT
from tests.report.conftest import prepare, run_stage

LABELS = SystemLabels.of("4-bit AWQ", greedy_depth=4, vote_depth=4)
TEXT = "We <add>.\n```python\nprint(1 < 2)\n```\n```output\nTrue\n```\nSo $\\boxed{3}$."


def table(right: float, low: float, high: float, n: int = 12) -> dict:
    row = {"accuracy": right, "ci95_low": low, "ci95_high": high, "n": n, "undecided": 0}
    systems = {system.name: row for system in GREEDY}
    return {**systems, SCTIR.name: {**row, "seeds": 2, "accuracy_std": 0.0}}


def page(folder: Path) -> str:
    return (folder / "reports/index.html").read_text(encoding="utf-8")


def test_a_trace_is_cut_into_prose_programs_and_outputs():
    assert segments(TEXT) == [
        Segment("text", "We <add>."),
        Segment("python", "print(1 < 2)"),
        Segment("output", "True"),
        Segment("text", "So $\\boxed{3}$."),
    ]


def test_an_unclosed_block_runs_to_the_end():
    assert segments("```python\nx = 1") == [Segment("python", "x = 1")]


def test_a_drawing_is_set_apart():
    assert statement("See [asy]draw();[/asy] here.") == [
        Segment("text", "See"),
        Segment("asy", "draw();"),
        Segment("text", "here."),
    ]


def test_the_page_stands_alone_and_escapes_what_models_and_problems_say(reported):
    html = page(reported)
    assert "<script>alert" not in html
    assert "\\u003cscript>alert(1)" in html  # the statements', as data
    assert "default-src 'none'" in html
    targets = re.findall(r"""\b(?:src|href|action|data|poster)=["'](.*?)["']""", html)
    assert all(target.startswith(("#", "data:,")) for target in targets)
    assert not re.search(r"url\((?!#)|@import", html)


def test_the_page_has_every_part_that_it_promises(reported):
    html = page(reported)
    for anchor in re.findall(r'href="#(\w+)"', html):
        assert f'id="{anchor}"' in html
    assert "An earlier run" in html  # the commit it is compared with
    assert "sound golds" in html
    assert html.count('class="chart"') == 2
    assert (ROOT / "params.yaml").read_text().splitlines()[0] in html  # and all that follows
    assert "time_bank:" in html


def test_equal_results_give_equal_pages(reported):
    before = page(reported)
    assert run_stage(reported, "report").returncode == 0
    assert page(reported) == before


def test_one_outcome_more_than_in_the_last_commit_is_seen_as_that(reported):
    html = page(reported)
    part = html[html.index("Against the last commit") :]
    row = part[part.index("Chain of thought, greedy") :].split("</tr>")[0]
    assert "+8.3" in row
    assert "1 / 0" in row
    assert "within chance" in row
    assert "the same on every problem" in part


def test_data_cannot_end_their_script_element():
    assert "<" not in compact(["</script><!--"])
    assert json.loads(compact(["</script><!--"])) == ["</script><!--"]


def test_traces_beyond_the_limit_are_left_out_the_winners_last(tmp_path):
    folder = prepare(tmp_path)
    results = read_results(
        *(folder / path for path in ("data/validation", "eval/greedy", "eval/sctir"))
    )
    whole = browser_data(results)
    assert whole["shown"] == whole["total"] == len(whole["traces"])
    few = browser_data(results, most_bytes=len(compact(whole)) // 4)
    assert 0 < few["shown"] < few["total"]
    assert {row["system"] for row in few["traces"]} == {"sctir"}
    assert all(row["seed"] == 1 for row in few["traces"])
    first = entries(results)[: few["shown"]]
    assert {entry.trace.index for entry in first[:12]} <= {0, 1, 2, 3}
    assert first[0].verdict and first[0].trace.answer == first[0].verdict.answer


def test_a_split_with_nothing_right_is_said_so_plainly():
    none = table(0.0, 0.0, 0.2425)
    found = {"mini": none, "all": none}
    assert title(found) == "None of 12 problems right"
    text = " ".join(headline(found, {}, 4, LABELS))
    assert "No vote was right on mini: 0 of 12, [0, 24]%." in text
    assert "beyond this model" in text


def test_figures_are_rounded_as_a_reader_expects():
    assert interval({"ci95_low": 0.0, "ci95_high": 0.2425}) == "[0, 24]"
    assert [points(value) for value in (0.083, -0.05, 0.0)] == ["+8.3", "−5", "0"]
    assert [p_value(p) for p in (0.0002, 0.0432)] == ["p < 0.001", "p = 0.043"]
    assert [short_count(n) for n in (81, 81.25, 2637, 124_200, 3e9)] == [
        *("81", "81.2", "2637", "124\u00a0k", "3\u00a0G"),
    ]
    assert [duration(s) for s in (73.2, 400, 9000)] == [
        "73.2\u00a0s",
        "6.67\u00a0min",
        "2.5\u00a0h",
    ]


def test_published_figures_stand_only_beside_the_same_problems():
    assert [row.low for row in published("amc", 83)] == [0.60]
    assert published("amc", 12) == []
    assert published("mini_amc", 83) == []
    assert all(row.split != "amc" for row in elsewhere({"amc": 83}))
    assert any(row.split == "amc" for row in elsewhere({"amc": 12}))
    assert result_rows({"amc": table(0.5, 0.4, 0.6, 83), "all": table(0, 0, 1)})[0].published


def test_a_part_that_holds_the_whole_split_is_no_division(reported):
    found = divisions(reported / "reports/breakdown.csv")
    assert {(row.split, row.by) for row in found} == {
        ("mini_amc", by) for by in ("contest", "level", "subject")
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("split,problem,system\n", "x, line 1: column 'right' is missing"),
        ("split,problem,system,right\ns,a,sctir,2\n", "x, line 2: field 'right': '2'"),
        ("split,problem,system,right\ns,a,sctir\n", "x, line 2: field 'right': None"),
        ("split,problem,system,right\ns,a,c,1\ns,a,c,1\n", "x, line 3: field 'problem': 'a' is"),
    ],
)
def test_damaged_outcomes_are_refused(text, reason):
    with pytest.raises(UserError) as error:
        read_outcomes(text, "x")
    assert reason in str(error.value)


def test_a_run_is_compared_on_common_problems_only():
    now = {"sctir": {("s", "a"): 1.0, ("s", "b"): 0.5, ("s", "new"): 0.0}}
    before = {"sctir": {("s", "a"): 0.0, ("s", "b"): 0.5, ("s", "old"): 1.0}}
    found = with_previous(now, before, "commit 1")
    assert found.note == "On the 2 of 3 problems that commit 1 was asked too."
    pair = found.rows["sctir"].pair
    assert (pair.n, pair.only_first, pair.only_second) == (2, 1, 0)
    assert with_previous(now, now, "commit 1").note == "Every outcome is as in commit 1."
    other = with_previous(now, {"sctir": {("s", "old"): 1.0}}, "commit 1")
    assert other.note == "commit 1 has no problem in common with this run."
    assert with_previous(now, None, "no git here").note.endswith("no git here.")


def test_steps_of_the_recipe_are_compared_within_a_run():
    keys = [("s", str(number)) for number in range(20)]
    cot, tir = dict.fromkeys(keys, 0.0), dict.fromkeys(keys, 1.0)
    found = between_systems(
        {"cot_greedy": cot, "tir_greedy": tir, "gptq_greedy": tir, "sctir": tir}
    )
    assert found["tir_greedy"].verdict == "better"
    assert found["gptq_greedy"].verdict == "the same on every problem"


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.last_commit() is None
    assert provenance.committed(Path("reports/outcomes.csv")) is None
    monkeypatch.setenv("PATH", "")
    assert provenance.last_commit() is None


def test_hashes_are_those_of_the_lock(tmp_path):
    lock = tmp_path / "dvc.lock"
    assert provenance.lock_hashes(lock) == {}
    lock.write_text(
        "stages:\n  a:\n    outs: [{path: data/a, md5: 12.dir}]\n"
        "  report:\n    outs: [{path: x, md5: 34}]\n"
    )
    assert provenance.lock_hashes(lock) == {"data/a": "12"}


def test_a_chart_has_its_words_for_those_who_do_not_see_it_and_the_pages_colours():
    series = [Series("a", [1, 2], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7], [0.8])]
    svg = line_chart(series, "k", "right", "What it shows", percent=True)
    assert 'aria-label="What it shows"' in svg
    assert "currentColor" in svg
    assert "#000000" not in svg


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md", "LICENSE"])
def test_what_a_stranger_looks_for_first_is_there(file):
    assert (Path(ROOT) / file).exists()
