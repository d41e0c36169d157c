"""What is wrong with evaluation files is named, with file, line and field, and nothing written."""

import json
import shutil
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.measure.results import read_results
from numina.rows import read_object
from tests.report.conftest import prepare, run_stage

GREEDY = Path("eval/greedy/tir/mini_amc.jsonl")
SCTIR = Path("eval/sctir/mini_amc/seed_2.jsonl")


@pytest.fixture
def folder(tmp_path) -> Path:
    return prepare(tmp_path)


def read(folder: Path):
    return read_results(folder / "data/validation", folder / "eval/greedy", folder / "eval/sctir")


def change(file: Path, number: int, edit) -> None:
    """Replace a line, counted from 1, by what `edit` makes of its row; None takes it out."""
    lines = file.read_text().splitlines()
    row = edit(json.loads(lines[number - 1]))
    text = row if isinstance(row, str) else json.dumps(row)
    lines[number - 1 : number] = [] if row is None else [text]
    file.write_text("\n".join(lines) + "\n")


def without(field: str):
    return lambda row: {key: value for key, value in row.items() if key != field}


def in_trace(row: dict) -> dict:
    return {**row, "traces": [row["traces"][0], without("logprob")(row["traces"][1])]}


DAMAGES = [
    (GREEDY, 3, lambda row: json.dumps(row)[:50], ["line 3", "not JSON"]),
    (GREEDY, 2, without("answer"), ["line 2", "'answer'", "required"]),
    (GREEDY, 2, lambda row: {**row, "seed": "x"}, ["line 2", "'seed'", "integer"]),
    (
        GREEDY,
        4,
        lambda row: {**row, "problem_id": "amc-0"},
        ["line 4", "'amc-0' is already in line 1"],
    ),
    (GREEDY, 4, lambda row: {**row, "problem_id": "new"}, ["line 4", "'new' is not in the split"]),
    (GREEDY, 8, lambda _: None, ["'amc-7' is missing"]),
    (SCTIR, 1, in_trace, ["line 1", "'traces.1.logprob'", "required"]),
    (SCTIR, 5, lambda row: json.dumps(row)[:-9], ["line 5", "not JSON"]),
    (Path("data/validation/mini_amc.jsonl"), 2, without("answer"), ["line 2", "'answer'"]),
]


@pytest.mark.parametrize(("file", "number", "edit", "reasons"), DAMAGES)
def test_damage_is_named(folder, file, number, edit, reasons):
    change(folder / file, number, edit)
    with pytest.raises(UserError) as error:
        read(folder)
    for reason in (file.name, *reasons):
        assert reason in str(error.value)


def test_a_missing_file_is_named(folder):
    (folder / GREEDY).unlink()
    with pytest.raises(UserError, match=r"tir/mini_amc\.jsonl: not found"):
        read(folder)


def test_missing_seeds_and_seeds_that_differ_are_named(folder):
    (folder / SCTIR).unlink()
    with pytest.raises(UserError, match=r"mini_amc: seeds \[1\], unlike"):
        read(folder)
    shutil.rmtree((folder / SCTIR).parent)
    with pytest.raises(UserError, match=r"mini_amc: holds no seed_\*\.jsonl"):
        read(folder)


def test_a_seed_that_is_no_number_is_named(folder):
    (folder / SCTIR).rename((folder / SCTIR).with_name("seed_x.jsonl"))
    with pytest.raises(UserError, match="seed_NUMBER"):
        read(folder)


def test_an_object_without_its_field_is_named(tmp_path):
    file = tmp_path / "run.json"
    for text, reason in (("{", "not JSON"), ("[]", "list"), ("{}", "'seconds' is missing")):
        file.write_text(text)
        with pytest.raises(UserError, match=reason):
            read_object(file, "seconds")


def test_the_stage_says_so_in_a_line_and_writes_nothing(folder):
    change(folder / SCTIR, 1, in_trace)
    done = run_stage(folder, "score")
    assert done.returncode == 1
    assert done.stderr.endswith(
        "\nerror: eval/sctir/mini_amc/seed_2.jsonl, line 1: field 'traces.1.logprob': "
        "field required\n"
    )
    assert not (folder / "reports").exists()
