"""Rows of local files: what is read, and what is one line with the file and the row."""

import gzip
import json
from typing import Any

import pytest

from numina.errors import UserError
from numina.records.problem import Problem
from numina.sources.reading import source_problem
from tests.conftest import read_source

GOOD = {"id": "a", "problem": "What is 1?", "answer": "1"}


def read_one(**fields: Any) -> Problem:
    return source_problem({**GOOD, **fields}, "here", "set/")


@pytest.mark.parametrize(
    ("level", "read"),
    [
        (4, 4),
        (4.0, 4),
        ("4", 4),
        ("Level 4", 4),
        ("level 4", 4),
        ("Level ?", 0),
        ("", 0),
        (None, 0),
        (float("nan"), 0),
    ],
)
def test_levels_are_read_in_every_form(level, read):
    assert read_one(level=level).level == read


@pytest.mark.parametrize("level", ["hard", 2.5, True, [4], -1])
def test_a_level_that_says_nothing_is_refused(level):
    with pytest.raises(UserError, match="here: field 'level' must be a whole number"):
        read_one(level=level)


def test_ids_and_answers_may_be_numbers():
    assert read_one(id=7).id == "set/7"
    assert read_one(id="7").id == "7"
    assert [read_one(answer=answer).answer for answer in (5, -3, 142.0, 0.5)] == [
        "5",
        "-3",
        "142",
        "0.5",
    ]


@pytest.mark.parametrize("answer", [None, True, [1], float("nan"), float("inf")])
def test_an_answer_that_is_neither_text_nor_a_number_is_refused(answer):
    with pytest.raises(UserError, match="here: field 'answer' must be text"):
        read_one(answer=answer)


def test_null_never_becomes_text():
    nothing = {"solution": None, "subject": None, "source": float("nan"), "contest": None}
    assert read_one(**nothing) == Problem("a", "What is 1?", "1", "")


@pytest.mark.parametrize("solution", [["step"], {"text": "x"}, True])
def test_a_solution_that_is_not_text_is_refused(solution):
    with pytest.raises(UserError, match="here: field 'solution' must be text"):
        read_one(solution=solution)


def test_numbered_rows_of_two_files_do_not_collide(tmp_path):
    for name in ("one.jsonl", "two.jsonl.gz"):
        opener = gzip.open if name.endswith("gz") else open
        with opener(tmp_path / name, "wt") as file:
            file.write("\n".join(json.dumps({**GOOD, "id": number}) for number in range(2)))
    ids = [
        problem.id
        for name in ("one.jsonl", "two.jsonl.gz")
        for problem in read_source(tmp_path / name)
    ]
    assert ids == ["one/0", "one/1", "two/0", "two/1"]
