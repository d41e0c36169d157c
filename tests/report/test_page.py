"""The report's page: what it says, and that it stands alone."""

import json
import re
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.measure.results import read_results
from numina.measure.systems import GREEDY, SCTIR, SYSTEMS, SystemLabels
from numina.report import provenance
from numina.report.browser import browser_data, compact
from numina.report.charts import Series, line_chart
from numina.report.compare import between_systems, read_outcomes, with_previous
from numina.report.csv_tables import BreakdownRow, CurveRow, LossRow, read_table
from numina.report.grid import grid_data
from numina.report.headline import headline, title
from numina.report.reference import elsewhere, published
from numina.report.tables import cost_rows, divisions, result_rows
from numina.report.traces import Segment, entries, segments, statement
from numina.report.wording import duration, interval, p_value, points, short_count
from numina.rows import write_json
from tests.conftest import PARAMS
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


def test_fences_are_read_as_models_write_them():
    assert segments("```py\nx = 1\n```\n```text\nhm\n```\n```output\n```\n") == [
        Segment("python", "x = 1"),
        Segment("block", "hm"),
        Segment("output", ""),
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
    for about in ("Right answers of a vote", "Training loss", "Training rows by source"):
        assert f'class="chart" role="img" aria-label="{about}' in html
    assert "Gave up" in html
    assert (ROOT / "params.yaml").read_text().splitlines()[0] in html  # and all that follows
    assert "time_bank:" in html


def test_the_words_for_systems_are_those_of_the_runs_own_records(tmp_path):
    """With 4 bits of AWQ at depth 0, nothing says 8-bit, GPTQ or SC-TIR of this run's figures."""
    folder = prepare(tmp_path)
    cost, run = folder / "models/quantised/cost.json", folder / "eval/sctir/run.json"
    write_json(cost, {**json.loads(cost.read_text()), "method": "AWQ", "bits": 4})
    assert run_stage(folder, "score").returncode == 0
    write_json(run, {**json.loads(run.read_text()), "depth": 0})
    done = run_stage(folder, "report")
    assert done.returncode == 0, done.stderr
    html = page(folder)
    shown = html[html.index("<body>") : html.index("Published figures on other problems")]
    shown += html[html.index('id="votes"') : html.index('id="trace-data"')]
    assert "Chain of thought with votes: 4-bit AWQ, sampled, voted" in shown
    assert "CoT votes" in shown
    card = (folder / "models/quantised.README.md").read_text(encoding="utf-8")
    for text in (shown, card):
        assert "4-bit AWQ" in text
        assert "8-bit" not in text and "gptq" not in text.lower()
    assert "SC-TIR" not in shown


def test_every_system_has_its_column_in_ends_and_costs(reported):
    html = page(reported)
    ends = html[html.index('id="ends"') : html.index('id="cost"')]
    cost = html[html.index('id="cost"') : html.index('id="training"')]
    for name in ("CoT", "TIR", "8-bit GPTQ", "SC-TIR"):
        assert name in ends and name in cost
    assert "100\u00a0s" in cost  # of the greedy stages, by their own clock
    assert "3.33\u00a0min" in cost  # of SC-TIR


def test_seconds_of_traces_side_by_side_are_not_added_up():
    row = {"traces": 4, "decode_s": 8.0, "execute_s": 2.0, "wait_s": 0.0, "tokens_prompted": 1}
    row |= {"tokens_cached": 0, "tokens_generated": 1}
    rows = cost_rows({"all": {s.name: row for s in SYSTEMS}}, {s.name: None for s in SYSTEMS})
    found = {(one.name, one.note): one.by_system["sctir"] for one in rows}
    assert found["Decoding", "mean of a trace"] == 2.0
    assert found["Running programs", "mean of a trace"] == 0.5
    assert found["Wall-clock", "of the whole stage"] is None


def test_the_grid_has_every_problem_whatever_traces_the_page_has_room_for(tmp_path):
    folder = prepare(tmp_path)
    results = read_results(
        *(folder / path for path in ("data/validation", "eval/greedy", "eval/sctir"))
    )
    grid = grid_data(results)
    assert grid["columns"] == [*([s.name, None] for s in GREEDY), ["sctir", 1], ["sctir", 2]]
    assert [row[:2] for row in grid["rows"]] == [
        [split, problem.id] for split, problems in results.problems.items() for problem in problems
    ]
    for row in grid["rows"]:
        split, name, *_, gold, cells = row
        assert len(cells) == len(grid["columns"])
        verdict = next(v for v in results.sctir[split][2] if v.problem_id == name)
        told = dict(zip(grid["fields"], cells[-1], strict=True))
        assert told["answer"] == verdict.answer
        assert told["right"] == (verdict.answer == gold)
        assert told["tokens"] == sum(trace.generated_tokens for trace in verdict.traces)
        assert told["seconds"] == 2.0  # of the verdict, by the clock
        assert told["traces"] == len(verdict.traces)
        greedy = dict(zip(grid["fields"], cells[0], strict=True))
        assert greedy["seconds"] == 1.8  # 1 decoding, 0.5 running programs, 0.25 waiting


def test_a_long_list_of_changed_files_is_cut():
    files = [f"file_{n}.py" for n in range(30)]
    assert provenance.Commit("0", "", []).changes == ""
    assert provenance.Commit("0", "", files[:2]).changes == "file_0.py, file_1.py"
    long = provenance.Commit("0", "", files).changes
    assert long.endswith("file_7.py and 22 more files")


def test_equal_results_give_equal_pages(reported):
    before = page(reported)
    assert run_stage(reported, "report").returncode == 0
    assert page(reported) == before


def test_one_outcome_more_than_in_the_last_commit_is_seen_as_that(reported):
    html = page(reported)
    part = html[html.index("Compared with the last commit") :]
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
    whole = browser_data(results, PARAMS.sctir)
    assert whole["shown"] == whole["total"] == len(whole["traces"])
    few = browser_data(results, PARAMS.sctir, most_bytes=len(compact(whole)) // 4)
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
    assert "No vote was right on mini: 0 of 12, [0,\u00a024]%." in text


@pytest.mark.parametrize(
    ("low", "high", "n", "beyond", "trial"),
    [
        (0.0, 0.2425, 12, False, True),  # what a few problems cannot tell
        (0.0, 0.35, 7, False, True),
        (0.0, 0.138, 24, True, False),
        (0.0074, 0.2024, 24, True, False),
        (0.1, 0.19, 300, True, False),
        (0.15, 0.3, 100, False, False),
    ],
)
def test_problems_are_beyond_a_model_only_where_the_intervals_say_so(low, high, n, beyond, trial):
    row = table((low + high) / 3, low, high, n)
    text = " ".join(headline({"mini": row, "all": row}, {}, 4, LABELS))
    assert ("beyond this model" in text) == beyond
    assert ("trial run" in text) == trial


def test_the_headline_names_the_systems_as_the_run_was():
    found = {"mini": table(0.5, 0.4, 0.6), "all": table(0.5, 0.4, 0.6)}
    text = " ".join(headline(found, {}, 4, LABELS))
    assert "4-bit AWQ" in text and "8-bit" not in text and "GPTQ" not in text
    depth_0 = SystemLabels.of("4-bit AWQ", greedy_depth=4, vote_depth=0)
    assert "SC-TIR" not in " ".join(headline(found, {}, 4, depth_0))


def test_figures_are_rounded_as_a_reader_expects():
    assert interval({"ci95_low": 0.0, "ci95_high": 0.2425}) == "[0,\u00a024]"
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
    found = divisions(read_table(reported / "reports/breakdown.csv", BreakdownRow))
    assert {(row.split, row.by) for row in found} == {
        ("mini_amc", by) for by in ("contest", "level", "subject")
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("split,problem,system\n", "x, line 1: column 'right' is missing"),
        (
            "split,problem,system,right\ns,a,sctir,2\n",
            "x, line 2: field 'right': input should be less than or equal to 1 (got '2')",
        ),
        (
            "split,problem,system,right\ns,a,sctir\n",
            "x, line 2: field 'right': input should be a valid number (got None)",
        ),
        ("split,problem,system,right\ns,a,sctir,1,9\n", "x, line 2: more fields than columns"),
        (
            "split,problem,system,right\ns,a,c,1\ns,a,c,1\n",
            "x, line 3: field 'problem': 'a'",
        ),
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
    assert with_previous(now, now, "commit 1").note == "Every outcome is the same as in commit 1."
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
    assert list(found) == ["tir_greedy", "gptq_greedy", "sctir"]


def test_a_vote_is_compared_with_a_greedy_trace_and_with_a_sampled_one():
    keys = [("s", str(number)) for number in range(20)]
    greedy, sampled = dict.fromkeys(keys, 1.0), dict.fromkeys(keys, 0.0)
    found = between_systems({"gptq_greedy": greedy, "one_sampled": sampled, "sctir": greedy})
    verdicts = {step: row.verdict for step, row in found.items()}
    assert verdicts == {
        "sctir": "the same on every problem",
        "one_sampled": "worse",
        "vote": "better",
    }
    earlier = {"gptq_greedy": sampled, "one_sampled": sampled, "sctir": sampled}
    now = {"gptq_greedy": greedy, "one_sampled": sampled, "sctir": greedy}
    assert list(with_previous(now, earlier, "commit 1").rows) == ["gptq_greedy", "sctir"]


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


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (LossRow, "step,epoch\n1,2\n", "line 1: column 'loss' is missing"),
        (LossRow, "step,loss\n1,0.5\nx,0.4\n", "line 3: field 'step'"),
        (CurveRow, "split,k,accuracy,low,high,pass_at_k,guessed\ns,1,0.5,0,2,,0\n", "'high'"),
        (BreakdownRow, "", "line 1: column 'split' is missing"),
    ],
)
def test_damaged_tables_are_named(tmp_path, kind, text, reason):
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        read_table(file, kind)
    assert str(file) in str(error.value) and reason in str(error.value)


def test_an_empty_field_of_a_curve_is_not_known(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("split,k,accuracy,low,high,pass_at_k,guessed\ns,4,0.5,0,1,,0\n")
    (row,) = read_table(file, CurveRow)
    assert row.pass_at_k is None and row.k == 4


def test_a_quantiser_that_does_not_say_what_it_did_is_named(tmp_path):
    folder = prepare(tmp_path)
    write_json(folder / "models/quantised/cost.json", {"bits": 8})
    done = run_stage(folder, "score")
    assert done.returncode == 1
    assert done.stderr.endswith("error: models/quantised/cost.json: field 'method' is missing\n")
    assert not list((folder / "reports").glob("*"))


def test_the_cost_of_quantisation_is_shown_with_the_answers_that_changed(reported):
    record = json.loads((reported / "reports/quantization.json").read_text())
    answers = record["answers"]
    assert answers["changed"] == len(answers["which"]["changed"]) > 0
    said = (
        f"Of {answers['problems']} greedy answers, {answers['changed']} changed: "
        f"{answers['right_to_wrong']} from right to wrong, "
        f"{answers['wrong_to_right']} from wrong to right."
    )
    card = (reported / "models/quantised.README.md").read_text(encoding="utf-8")
    for text in (page(reported), card):
        assert said in text
        assert "1.0618" in text and "99.56" in text and "0.00021" in text
    assert answers["which"]["changed"][0] in page(reported)
