"""A damaged row is one line with file and row, in every stage of the data build and of training."""

import dataclasses
import importlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from numina.errors import UserError
from numina.profile import merged
from numina.records.problem import Problem
from numina.rows import each_problem, read_problems
from numina.rows.rejected import each_removal
from numina.settings.params import document
from tests.conftest import ROOT, shards

GOOD = {"id": "a", "problem": "What is 1?", "answer": "1", "source": "t", "solution": "One."}
CUT = '{"id": "b", "problem": "x'
EMPTY = {"id": "b", "problem": " "}
STEPS = '{"id": "a", "steps": [{"thought": "We count."}]}'


@pytest.mark.parametrize(
    ("stage", "folders", "file", "line"),
    [
        ("collect", ("digitized",), "digitized/pairs", EMPTY),
        ("dedup", ("collected", "validation"), "collected/problems", EMPTY),
        ("dedup", ("collected", "validation"), "validation/amc.jsonl", CUT),
        ("cot_data", ("clean",), "clean/problems", EMPTY),
        ("tir_data", ("clean", "collected"), "clean/problems", EMPTY),
        ("tir_data", ("clean", "collected"), "collected/steps.jsonl", STEPS),
        ("tir_select", ("attempts",), "attempts/problems", EMPTY),
        ("sft", ("section", "model", "data", "loss", "rows"), "data/train", EMPTY),
        ("quantize", ("model", "data"), "data/train", EMPTY),
    ],
)
def test_a_damaged_row_is_named_and_nothing_is_written(
    tmp_path, monkeypatch, model_folder, stage, folders, file, line
):
    written = {
        "collected/steps.jsonl": {"id": "a", "steps": []},
        "validation/amc.jsonl": {**GOOD, "id": "v"},
    }
    for name, row in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(row) + "\n" + (line if name == file else ""))
    for name in (
        "digitized/pairs",
        "collected/problems",
        "clean/problems",
        "attempts/problems",
        "data/train",
    ):
        good = Problem(**GOOD)
        shards(
            tmp_path / name, good, *([dataclasses.replace(good, **line)] if name == file else [])
        )
    given = {name: tmp_path / name for name in folders}
    given |= {"model": model_folder} if "model" in folders else {}
    given |= {"section": Path("sft_cot")} if "section" in folders else {}
    given["out"] = tmp_path / "out"
    arguments = [part for name, path in given.items() for part in (f"--{name}", str(path))]
    monkeypatch.setattr(sys, "argv", [stage, *arguments])
    with pytest.raises(UserError, match=rf"{tmp_path / file}, (line|row) 2: ") as error:
        importlib.import_module(f"stages.{stage}").main()
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


TOOLS = "We add.\n```python\nprint({0}+1)\n```\n```output\n{1}\n```\nSo $\\boxed{{{1}}}$."


def asked(row: Problem | Mapping[str, Any]) -> Any:
    return row.problem if isinstance(row, Problem) else row["problem"]


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_every_row_is_kept_or_left_out_whole_with_its_rule_from_sources_to_both_trainings(
    tmp_path, monkeypatch
):
    """As `numina-7b` does it: one source of chains of thought, one of tool-integrated solutions of
    the same problems."""
    problems = [f"What is {number}+1, and why is it not {number}?" for number in range(6)]
    chains = [
        {"problem": text, "solution": f"It is \\boxed{{{number + 1}}}."}
        for number, text in enumerate(problems)
    ]
    chains += [
        {"problem": problems[0] + " ", "solution": "Again \\boxed{1}."},  # a duplicate
        {"problem": "What is 求和?", "solution": "It is \\boxed{1}."},
        {"problem": "Show that it is.", "solution": "We show it.", "answer": "proof"},
        {"problem": "What is in validation?", "solution": "\\boxed{9}", "answer": "9"},
        {"problem": None, "solution": "\\boxed{1}"},
    ]
    tools = [
        {"problem": text, "solution": TOOLS.format(number, number + 1)}
        for number, text in enumerate(problems[:3])
    ]
    tools += [
        {"problem": "What is 7+1, really?", "solution": TOOLS.format(7, 9)},  # its output is not
        {"problem": "What is in validation?", "solution": TOOLS.format(8, 9)},
    ]
    shards(tmp_path / "pairs")
    for name, rows in (("chains", chains), ("tools", tools)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines)
    (tmp_path / "validation").mkdir()
    held = {"id": "v", "problem": "What is in validation?", "answer": "9"}
    (tmp_path / "validation/v.jsonl").write_text(json.dumps(held) + "\n")
    changes = {
        "collect.per_family": 0,
        "collect.sources": [{"path": "chains.jsonl"}, {"path": "tools.jsonl"}],
        "collect.on_bad_row": "skip",
        "cot_data.max_rows": 5,
    }
    params = merged(changes, document(ROOT / "params.yaml"))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    for stage, arguments in (
        ("collect", "--digitized . --out collected"),
        ("dedup", "--collected collected --validation validation --out clean"),
        ("cot_data", "--clean clean --out cot"),
        ("tir_data", "--clean clean --collected collected --out attempts"),
        ("tir_select", "--attempts attempts --out tir"),
    ):
        monkeypatch.setattr(sys, "argv", [stage, *arguments.split()])
        importlib.import_module(f"stages.{stage}").main()
    files = ("chains.jsonl", "tools.jsonl")
    given = [row["problem"] for name in files for row in read(tmp_path / name)]
    rejected = {}
    for folder, name in (
        ("collected", "problems"),
        ("clean", "problems"),
        ("cot", "train"),
        ("attempts", "problems"),
    ):
        kept = read_problems(tmp_path / folder / name)
        left_out = list(each_removal(tmp_path / folder / "rejected"))
        whole = [row.problem for row in kept] + [asked(removal.row) for removal in left_out]
        assert sorted(whole, key=str) == sorted(given, key=str), folder
        rejected[folder] = dict(sorted(Counter(row.rule for row in left_out).items()))
        assert json.loads((tmp_path / folder / "counts.json").read_text()) == {
            "in": len(given),
            "kept": len(kept),
            "rejected": rejected[folder],
        }
        if folder in ("collected", "clean"):
            given = [row.problem for row in kept]
    assert rejected == {
        "collected": {"bad_row": 1},
        "clean": {"duplicate": 1, "leak": 2},
        "cot": {"no_answer": 1, "not_drawn": 1, "not_english": 1, "only_tools": 4},
        "attempts": {"no_teacher": 7, "not_integer": 1, "output_differs": 1},
    }
    removals = each_removal(tmp_path / "clean/rejected")
    (duplicate,) = [row for row in removals if row.rule == "duplicate"]
    assert duplicate.partner == read_problems(tmp_path / "clean/problems")[0].id
    assert {row.solution for row in each_problem(tmp_path / "tir/train")} == {
        row["solution"] for row in tools[:3]
    }


CHINESE = [
    {"problem": "求 $1+1$ 的值。", "solution": "解：$1+1=2$，故答案为 $2$。", "answer": "2"},
    {"problem": "求 $2+3$ 的值。", "solution": "解：$2+3=5$，故答案为 $5$。", "answer": "5"},
]
SPANISH = {
    "problem": "Sea $ABC$ un triángulo rectángulo con catetos $3$ y $4$. Halla la hipotenusa.",
    "solution": "Por el teorema de Pitágoras la hipotenusa es $\\boxed{5}$.",
}
WRONG = {"problem": "What is $2+2$, in all?", "solution": "It is \\boxed{5}.", "answer": "4"}
RIGHT = {"problem": "What is $3+3$, in all?", "solution": "It is \\boxed{6}.", "answer": "6"}


def cot_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]]) -> Path:
    """Run `cot_data` on rows."""
    numbered = [
        Problem(**{"id": f"r{n}", "source": "t", "answer": "", **row}) for n, row in enumerate(rows)
    ]
    shards(tmp_path / "clean/problems", *numbered)
    monkeypatch.setattr(sys, "argv", ["cot_data", "--clean", str(tmp_path / "clean")])
    sys.argv += ["--out", str(tmp_path / "cot")]
    importlib.import_module("stages.cot_data").main()
    return tmp_path / "cot"


def test_without_a_teacher_each_row_that_is_not_english_is_kept_with_the_reason(
    tmp_path, monkeypatch
):
    out = cot_stage(tmp_path, monkeypatch, [*CHINESE, SPANISH, WRONG, RIGHT])
    assert [row.id for row in read_problems(out / "train")] == ["r4"]
    left_out = {removal.row.id: removal for removal in each_removal(out / "rejected")}
    for name, language in (("r0", "zh"), ("r1", "zh"), ("r2", "es")):
        assert left_out[name].rule == "not_english"
        assert f"is in {language}, and there is no teacher" in left_out[name].reason
    assert "states 5, the answer is 4" in left_out["r3"].reason
    counts = json.loads((out / "counts.json").read_text())
    assert counts == {"in": 5, "kept": 1, "rejected": {"answer_differs": 1, "not_english": 3}}


def test_if_every_row_is_left_out_the_first_is_named_with_its_file(tmp_path, monkeypatch):
    with pytest.raises(UserError) as error:
        cot_stage(tmp_path, monkeypatch, [*CHINESE, WRONG])
    assert str(tmp_path / "clean/problems") in str(error.value)
    assert "2 by not_english, 1 by answer_differs; the first: row 'r0' by not_english" in str(
        error.value
    )
    assert not (tmp_path / "cot").exists()
