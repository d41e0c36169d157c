"""The benchmark of exams: what counts as found and right, and its rate of errors."""

import json

import pytest

from numina.bench.digitize import bench
from numina.bench.draw_exam import draw
from numina.bench.drawn_exams import EXAMS
from numina.bench.exam_labels import distance, edits
from numina.errors import UserError
from tests.conftest import changed_params


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("abc", "abc", 0)],
)
def test_edits_are_the_least_number(one, other, distance):
    assert edits(one, other) == distance


@pytest.mark.parametrize(
    ("text", "label", "right"),
    [
        ("Find the sum x = 1.", r"Find the sum $x = 1$.", True),
        ("Find the sum det A.", r"Find the sum $\det A$.", True),
        ("Find.", "Find the sum of all the even numbers.", False),
        ("Find the sum. Solution. The sum is known to us by now.", "Find the sum.", False),
        ("求所有的正整数", "求所有的正整数", True),
        ("求", "求所有的正整数", False),
    ],
)
def test_a_text_is_right_by_its_words(text, label, right):
    assert distance(text, label).right is right


def test_an_exam_with_one_wrong_label_is_not_all_right(tmp_path):
    exam = EXAMS["bold words"]
    draw(exam, tmp_path / "x.pdf")
    rows = [label._asdict() for label in exam.labels]
    rows[1]["solution"] = "Something else that stands nowhere in this exam at all."
    rows.append({"label": "9", "problem": "Not there.", "solution": ""})
    (tmp_path / "x.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    params = changed_params({"hardware.cache": str(tmp_path)})
    found = bench(params, [tmp_path / "x.pdf"], [tmp_path / "x.jsonl"])["x"]
    assert (found["pairs"], found["found"], found["right"], found["others"]) == (4, 3, 2, 0)
    assert 0 < found["cer"] < 0.6


def test_an_exam_without_labels_is_refused(tmp_path):
    with pytest.raises(UserError, match="go in pairs: 1 and 0"):
        bench(changed_params(), [tmp_path / "x.pdf"], [])
