"""`numina data show`: rows of every data stage as a person reads them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from numina.cli.commands import app
from numina.cli.drawn_rows import WRITTEN
from numina.cli.shown_rows import removal_as_text, row_as_text
from numina.errors import UserError
from numina.records.attempt import Attempt
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import write_rows, written_shards
from numina.rows.rejected import written_removals
from tests.conftest import shards

TOOLS = """We let a program count, as there are many of them and each has to be looked at by itself.
```python
count = 0
for i in range(9):
    count += i % 2

print(count)
```
```output
4
```
So the answer is $\\boxed{4}$."""


def made(number: int, **fields: str) -> Problem:
    return Problem(f"row/{number}", f"How many are $x < {number}$?", str(number), "test", **fields)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder in which every data stage has run."""
    rows = [made(number, solution=f"There are \\boxed{{{number}}}.") for number in range(40)]
    for stage, written in WRITTEN.items():
        place = tmp_path / written.folder
        if stage == "validation":
            write_rows(place / "amc.jsonl", rows[:20])
            write_rows(place / "aime.jsonl", rows[20:])
            continue
        if stage == "digitize":
            write_rows(place / f"{written.kept}.jsonl", rows)
        else:
            shards(place / written.kept, *rows)
        left_out = [
            Removal(made(100 + number), "leak" if number % 2 else "not_drawn", "v/1", 0.75)
            for number in range(9)
        ]
        with written_removals(place / "rejected") as write:
            for removal in left_out:
                write(removal)
    with written_shards(tmp_path / "data/attempts/attempts", Attempt) as write_attempt:
        for row in rows:
            write_attempt(
                Attempt(row.id, 0, 1, 2, "server", TOOLS, "4", "wrong", "answer", ["", ""])
            )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    return tmp_path


def show(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["data", "show", *arguments])


@pytest.mark.parametrize("stage", WRITTEN)
def test_every_stage_is_shown_and_the_seed_fixes_the_rows(folder, stage):
    one, same = show(stage, "--n", "4"), show(stage, "--n", "4", "--seed", "0")
    other = show(stage, "--n", "4", "--seed", "1")
    assert one.exit_code == 0, one.output
    assert one.stdout == same.stdout != other.stdout
    assert one.stdout.count("── ") == 4
    assert "4 of 40 in data/" in one.stdout
    assert "How many are $x < " in one.stdout  # formulas stay as they are


@pytest.mark.parametrize("stage", [stage for stage in WRITTEN if stage != "validation"])
def test_rows_left_out_are_shown_with_rule_partner_and_score(folder, stage):
    found = show(stage, "--rejected", "--n", "20")
    assert found.exit_code == 0, found.output
    assert found.stdout.count("left out by leak, for v/1, score 0.75") == 4
    assert found.stdout.count("left out by not_drawn") == 5
    by_rule = show(stage, "--rejected", "--rule", "leak", "--n", "20")
    assert "not_drawn" not in by_rule.stdout
    assert "of 4 in" in by_rule.stdout


def test_attempts_of_a_teacher_are_shown_with_their_verdict_and_their_problem(folder):
    (text,) = show("tir_data", "--n", "1").stdout.split("── ")[1:]
    assert "attempt 2 by server, round 1: wrong, its answer is 4" in text
    assert "How many are $x < " in text and "  │ print(count)" in text


def test_more_rows_than_there_are_shows_all(folder):
    assert show("dedup", "--n", "99").stdout.count("── ") == 40


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("validation", "--rejected"), "validation: leaves no rows out"),
        (("dedup", "--rejected", "--rule", "x"), r"no row was left out by 'x'.* leak \(4\)"),
    ],
)
def test_what_cannot_be_shown_is_said(folder, arguments, reason):
    with pytest.raises(UserError, match=reason):
        raise show(*arguments).exception or AssertionError


@pytest.mark.parametrize("stage", WRITTEN)
@pytest.mark.parametrize("option", [[], ["--rejected"]])
def test_a_stage_that_has_not_run_is_said_with_the_command(tmp_path, monkeypatch, stage, option):
    monkeypatch.chdir(tmp_path)
    if stage == "validation" and option:
        return
    name = "validation_sets" if stage == "validation" else stage
    with pytest.raises(UserError, match=f"data/.*: not found; .*: dvc repro {name}$"):
        raise show(stage, *option).exception or AssertionError


def test_an_empty_stage_and_an_unknown_one_are_said(folder):
    shards(folder / "data/clean/problems")
    with pytest.raises(UserError, match=r"data/clean/problems.*: holds no rows"):
        raise show("dedup").exception or AssertionError
    assert show("nothing").exit_code == 2


def test_programs_and_outputs_stand_apart_and_prose_is_folded(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    lines = row_as_text(made(4, solution=TOOLS, subject="counting")).splitlines()
    assert max(map(len, lines)) <= 60
    at = lines.index("  program")
    assert lines[at + 1 : at + 6] == [
        "  │ count = 0",
        "  │ for i in range(9):",
        "  │     count += i % 2",
        "  │ ",
        "  │ print(count)",
    ]
    assert lines[at + 6 : at + 8] == ["  output", "  │ 4"]
    assert lines[-1] == "Answer: 4"


def test_control_characters_and_rows_that_are_no_problems_do_no_harm():
    text = row_as_text(made(1, solution="\x1b[31mred\x07\tand more"))
    assert not [sign for sign in text if sign < " " and sign != "\n"]
    raw = removal_as_text(
        Removal({"text": "{broken"}, "unreadable", reason="not JSON", where="f, line 3")
    )
    assert raw.startswith("left out by unreadable, from f, line 3: not JSON\n")
    assert json.loads(raw.partition("\n")[2]) == {"text": "{broken"}
