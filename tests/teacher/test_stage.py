"""The stage tir_data with a teacher on a server."""

import sys
from typing import Any

import pytest
import yaml

from numina.errors import UserError
from numina.profile import merged
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.rows import read_shards, written_shards
from numina.settings.params import document
from stages import tir_data
from tests.conftest import ROOT
from tests.engine.misbehaving import Reply, Told
from tests.teacher.speaking import END, OPENED, serving_beside, solving

SOLVED = OPENED + "42\n```\n" + END
ROWS = [
    Problem("a", "What is 6 times 7?", "42", "t"),
    Problem("b", "What is 6 times 8?", "48", "t"),
    Problem("c", "What is half of 3?", "1.5", "t"),
]


def run(folder, monkeypatch, server: Told, **changes: Any) -> list[Attempt]:
    """The attempts that the stage keeps."""
    with written_shards(folder / "clean/problems", Problem) as write:
        for row in ROWS:
            write(row)
    (folder / "collected").mkdir(exist_ok=True)
    (folder / "collected/steps.jsonl").write_text("")
    with serving_beside(server) as url:
        given = {"tir_data.teachers": ["server"], "teacher.model": "m", "hardware.cache": "cache"}
        given |= {"hardware.teacher.urls": [url], "hardware.teacher.patience_s": 1.0}
        params = merged(given | changes, document(ROOT / "params.yaml"))
        (folder / "params.yaml").write_text(yaml.safe_dump(params))
        monkeypatch.chdir(folder)
        arguments = "--clean clean --collected collected --out out"
        monkeypatch.setattr(sys, "argv", ["tir_data", *arguments.split()])
        tir_data.main()
    return list(read_shards(folder / "out/attempts", Attempt))


def test_attempts_are_judged_and_a_rerun_asks_nothing(tmp_path, monkeypatch):
    server = Told(by=solving)
    made = run(tmp_path, monkeypatch, server, **{"tir_data.rounds": 3})
    assert [(one.problem_id, one.round, one.verdict) for one in made] == [
        ("a", 1, "right"),
        ("b", 1, "wrong"),
        ("b", 2, "wrong"),
        ("b", 3, "wrong"),
    ]
    assert {(one.teacher, one.text, one.answer) for one in made} == {("server", SOLVED, "42")}
    assert len(server.asked) == 2 * (1 + 3), "an attempt takes two requests"

    down = Told(last=Reply(b"", 500))
    assert run(tmp_path, monkeypatch, down, **{"tir_data.rounds": 3}) == made
    assert not down.asked


def test_a_spent_budget_ends_the_stage_in_one_line_and_writes_nothing(tmp_path, monkeypatch):
    server = Told(by=solving)
    with pytest.raises(UserError, match=r"hardware\.teacher\.budget_tokens: 10 does not") as error:
        run(tmp_path, monkeypatch, server, **{"hardware.teacher.budget_tokens": 10})
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
    assert not server.asked


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"teacher.model": ""}, "needs teacher.model"),
        ({"hardware.teacher.urls": []}, "needs hardware.teacher.urls"),
        ({"hardware.teacher.urls": ["localhost"]}, "does not begin with http"),
        (
            {"teacher.prompt": "nowhere.md"},
            "'nowhere.md' is none of chat, few_shot",
        ),
        ({"teacher.kind": "voice"}, "teacher.kind"),
        ({"hardware.teacher.budget": -1}, "hardware.teacher.budget"),
    ],
)
def test_a_wrong_knob_is_one_line(tmp_path, monkeypatch, changes, words):
    server = Told(by=solving)
    with pytest.raises(UserError, match=words) as error:
        run(tmp_path, monkeypatch, server, **changes)
    assert "\n" not in str(error.value)
    assert not server.asked
