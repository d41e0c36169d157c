"""Shards: the same bytes twice, fixed sizes, whole or not at all, read a few rows at a time."""

import dataclasses
import hashlib
import os
import random
from pathlib import Path

import pyarrow.parquet
import pytest

from numina.errors import UserError
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import (
    StoredProblems,
    count_rows,
    each_problem,
    parquet,
    picked,
    read_shards,
    stored,
    written_shards,
)
from numina.rows.rejected import each_removal, written_removals
from tests.conftest import shards

TEXTS = ["", "None", "\x00", "é\U0001f600", "line\nline\r\n", "x" * 3000, " \\frac{1}{2}", "null"]


def made(number: int) -> Problem:
    text = TEXTS[number % len(TEXTS)]
    return Problem(f"r{number}", f"P{number}? {text}", str(number), "made", text, level=number % 6)


PROBLEMS = [made(number) for number in range(1007)]


@pytest.fixture
def small(monkeypatch):
    """Shards of 200 rows in groups of 100, read and sorted in small parts."""
    monkeypatch.setattr(parquet, "AT_ONCE", 20)
    monkeypatch.setattr(parquet, "ROWS_A_GROUP", 100)
    monkeypatch.setattr(parquet, "ROWS_A_SHARD", 200)
    monkeypatch.setattr(stored, "SORTED_AT_ONCE", 64)


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@pytest.mark.parametrize("count", [0, 1, 99, 100, 200, 201, 400, 1007])
def test_what_is_read_is_what_was_written_in_shards_of_fixed_sizes(tmp_path, small, count):
    folder = shards(tmp_path / "rows", *PROBLEMS[:count])
    assert list(each_problem(folder)) == PROBLEMS[:count]
    assert count_rows(folder) == len(StoredProblems(folder)) == count
    files = [pyarrow.parquet.ParquetFile(file).metadata for file in sorted(folder.iterdir())]
    assert [file.num_rows for file in files] == (
        [200] * (count // 200) + ([count % 200] if count % 200 or not count else [])
    )
    for file in files:
        groups = [file.row_group(n).num_rows for n in range(file.num_row_groups)]
        assert all(rows == 100 for rows in groups[:-1]) and all(rows <= 100 for rows in groups)
    names = [field.name for field in dataclasses.fields(Problem)]
    assert pyarrow.parquet.read_schema(sorted(folder.iterdir())[0]).names == names


def test_the_same_rows_give_the_same_bytes(tmp_path, small):
    one, other = (shards(tmp_path / name, *PROBLEMS) for name in ("one", "other"))
    assert digests(one) == digests(other) and len(digests(one)) == 6


def test_the_order_and_the_sizes_of_batches_do_not_change_the_bytes(tmp_path, small, monkeypatch):
    one = shards(tmp_path / "one", *PROBLEMS)
    monkeypatch.setattr(parquet, "AT_ONCE", 50)
    assert digests(shards(tmp_path / "other", *PROBLEMS)) == digests(one)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 500, 1007])
def test_rows_are_picked_in_any_order(tmp_path, small, count):
    places = random.Random(count).sample(range(len(PROBLEMS)), count)
    folder = StoredProblems(shards(tmp_path / "rows", *PROBLEMS))
    wanted = [PROBLEMS[place] for place in places]
    assert list(picked(folder, places)) == list(picked(PROBLEMS, places)) == wanted
    assert [folder[place] for place in places[:20]] == wanted[:20]


def test_removals_are_kept_whole_also_of_rows_that_are_no_problems(tmp_path):
    removals = [
        Removal(PROBLEMS[3], "leak", "v", 0.75),
        Removal({"problem": None, "level": [1, {"a": 2.5}]}, "bad_row", reason="no", where="f, 1"),
        Removal({"text": '{"id": '}, "unreadable"),
    ]
    for _ in range(2):  # the second time it replaces the first
        with written_removals(tmp_path / "rejected") as write:
            for removal in removals:
                write(removal)
    assert list(each_removal(tmp_path / "rejected")) == removals
    assert os.listdir(tmp_path) == ["rejected"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError("no")])
def test_what_ends_early_leaves_what_was_there_and_nothing_else(tmp_path, small, error):
    folder = shards(tmp_path / "rows", *PROBLEMS[:5])
    for path in (folder, tmp_path / "new/deep/rows"):
        with pytest.raises(BaseException), written_shards(path, Problem) as write:  # noqa: B017
            for problem in PROBLEMS:
                write(problem)
            raise error
    assert os.listdir(tmp_path) == ["rows"]
    assert list(each_problem(folder)) == PROBLEMS[:5]


def test_a_row_that_does_not_fit_is_named(tmp_path):
    for field, value in (("level", 2**70), ("problem", "\ud800"), ("answer", 5)):
        bad = dataclasses.replace(PROBLEMS[1], **{field: value})
        with pytest.raises(UserError, match=rf"^row 'r1': field '{field}': "):
            shards(tmp_path / "rows", PROBLEMS[0], bad)
    assert os.listdir(tmp_path) == []


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[60:4000] = bytes(len(content[60:4000]))
    file.write_bytes(content)


def without_a_column(file: Path) -> None:
    table = pyarrow.parquet.read_table(file).drop_columns(["answer"])
    pyarrow.parquet.write_table(table, file)


def with_another_type(file: Path) -> None:
    table = pyarrow.parquet.read_table(file)
    levels = table["level"].cast("string")
    place = table.schema.get_field_index("level")
    pyarrow.parquet.write_table(table.set_column(place, "level", levels), file)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, r"part-00001\.parquet: cannot be read as parquet: "),
        (flipped, r"part-00001\.parquet: cannot be read as parquet: "),
        (without_a_column, r"part-00001\.parquet: there is no column 'answer'"),
        (with_another_type, r"part-00001\.parquet: column 'level' is string, not int64"),
        (Path.unlink, r"part-00001\.parquet: not found"),
    ],
)
def test_a_damaged_shard_is_named(tmp_path, small, damage, said):
    folder = shards(tmp_path / "rows", *PROBLEMS)
    damage(folder / "part-00001.parquet")
    with pytest.raises(UserError, match=said) as error:
        list(each_problem(folder))
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=said):
        list(picked(StoredProblems(folder), [300]))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([PROBLEMS[0], PROBLEMS[1], PROBLEMS[0]], "row 3: field 'id': 'r0' is already in row 1"),
        ([PROBLEMS[0], dataclasses.replace(PROBLEMS[1], problem="\n")], "row 2: field 'problem'"),
        ([dataclasses.replace(PROBLEMS[1], id="")], "row 1: field 'id' is empty"),
    ],
)
def test_a_bad_row_is_named(tmp_path, rows, said):
    with pytest.raises(UserError, match=f"rows, {said}"):
        list(each_problem(shards(tmp_path / "rows", *rows)))


def test_a_folder_without_shards_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, said in (("empty", "holds no shards"), ("gone", "gone: not found")):
        with pytest.raises(UserError, match=said):
            list(read_shards(tmp_path / name, Problem))
        with pytest.raises(UserError, match=said):
            StoredProblems(tmp_path / name)
