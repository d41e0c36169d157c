"""`numina grade` and `numina bench grade`, as a person uses them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from numina.answer.grade import grade, grade_file
from numina.bench.labelled import is_seen
from numina.errors import UserError
from tests.conftest import SHARED

ROOT = Path(__file__).parents[2]
ROW = {"id": "a", "prediction": "1", "gold": "1"}


def write(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def numina(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "numina.cli.main", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_rows_keep_their_order(tmp_path):
    rows = [
        {"id": "sum", "prediction": "1+x", "gold": "x+1"},
        {"id": "int", "prediction": "3", "gold": "300"},
        {"id": "hang", "prediction": "9^{9^{9^9}}", "gold": "5"},
        {"id": "text", "prediction": r"We see \boxed{7}.", "gold": "7"},
    ]
    done = numina("grade", "--jsonl", str(write(tmp_path / "in", rows)), str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [list(row) for row in found] == [["id", "equal", "status", "method"]] * 4
    assert [(row["id"], row["equal"], row["status"]) for row in found] == [
        ("sum", True, "decided"),
        ("int", False, "decided"),
        ("hang", None, "timeout"),
        ("text", True, "decided"),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "b", "prediction": "1"}, "line 3: field 'gold' is missing"),
        (
            {"id": "b", "prediction": 1, "gold": "1"},
            "line 3: field 'prediction' must be text, got 1",
        ),
        (
            {"id": "b", "prediction": "1", "gold": None},
            "line 3: field 'gold' must be text, got None",
        ),
        (
            {"id": "a", "prediction": "1", "gold": "1"},
            "line 3: field 'id': 'a' is already in line 1",
        ),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_written(tmp_path, row, message):
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(ROW) + "\n\n" + json.dumps(row) + "\n")
    with pytest.raises(UserError, match=r"in\.jsonl") as error:
        grade_file(source, tmp_path / "out")
    assert message in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_line_cut_short_is_named(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(ROW) + '\n{"id": "b", "pred')
    with pytest.raises(UserError, match=r"in.jsonl, line 2: not JSON"):
        grade_file(source, tmp_path / "out")


def test_whole_numbers_need_no_worker():
    pairs = [(str(n), str(n + n % 2)) for n in range(20_000)]
    done = grade(pairs)
    assert {verdict.method for verdict in done} == {"integer"}  # no worker process
    assert [verdict.equal for verdict in done[:2]] == [True, False]


def test_the_bench_tells_sets_and_graders_apart(tmp_path):
    pairs = [
        {"prediction": "1+1/\\mathrm{e}", "gold": "1-1/\\mathrm{e}", "is_equivalent": False},
        {"prediction": "5", "gold": "5", "is_equivalent": False, "reviewed": True},
    ]
    first, other = write(tmp_path / "a.jsonl", pairs), write(tmp_path / "b.jsonl", pairs[:1])
    done = numina("bench", "grade", "--json", "--pairs", str(first), "--pairs", str(other))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == [
        *("seen: kinds.jsonl, ours", "seen: kinds.jsonl, math_verify"),
        *("unseen: a.jsonl, ours", "unseen: a.jsonl, math_verify"),
        *("unseen: b.jsonl, ours", "unseen: b.jsonl, math_verify"),
        "ratios",
    ]
    assert found["seen: kinds.jsonl, ours"]["accuracy"] == 1
    assert found["seen: kinds.jsonl, math_verify"]["accuracy"] < 0.9
    assert found["unseen: a.jsonl, ours"]["pairs"] == 2
    assert found["unseen: a.jsonl, math_verify"]["accuracy"] == 0.5
    assert found["ratios"] == {
        "set": "unseen: b.jsonl",
        "accuracy": 1.0,
        "math_verify_accuracy": 0.0,
        "false_positives": 0,
        "false_negatives": 0,
        "undecided": 0,
    }


@pytest.mark.skipif(not (SHARED / "grading").exists(), reason="../shared/data/grading is not here")
def test_the_files_that_the_rules_were_written_on_are_seen(tmp_path):
    for name in ("answer_kinds.jsonl", "answer_equivalence_dev.jsonl"):
        assert is_seen(SHARED / "grading" / name)
    assert not is_seen(write(tmp_path / "new.jsonl", [{}]))


def test_the_bench_names_a_file_that_is_missing():
    done = numina("bench", "grade", "--pairs", "nowhere.jsonl")
    assert done.returncode == 1
    assert "nowhere.jsonl: not found" in done.stderr
