"""`numina run published` from the model to the report, with a chat model made here."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from numina.profile import hydra_value
from numina.records.trace import Trace, Verdict
from numina.report.reference import PUBLISHED, published_of
from numina.rows import read_records
from tests.chatting import make
from tests.conftest import ROOT

NAME = "Qwen2.5-Math-7B-Instruct"  # of the folder: the row, and the published figures, are by it
CHANGES = {
    "base_model.source": "path",
    "validation_sets.splits": ["mini_amc", "mini_aime"],
    "splits.mini_amc.count": 3,
    "splits.mini_aime.count": 2,
    "template.limits": "knobs",  # the model has 1024 positions, and theirs has 4096
    "engine.name": "transformers",
    "eval_greedy.max_context": 1000,
    "sctir.max_context": 1000,
    "sctir.n": 3,
    "sctir.seeds": [1],
    "hardware.solvers": 2,
}
SAME = "We run:\n```python\nprint(6 * 7)\n```\n```output\n42\n```\nIt is $\\boxed{42}$."


def run(arguments: list[str], folder: Path) -> str:
    own = {"XDG_CACHE_HOME": str(folder.parent / "cache"), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        arguments,
        cwd=folder,
        env={**os.environ, **own, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory) -> Path:
    """A copy of the repository in which the profile ran."""
    place = tmp_path_factory.mktemp("published")
    make(place / NAME)
    folder = place / "numina"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for file in filter(None, files.split("\0")):
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, folder / file)
    commit = ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "all"]
    for arguments in (["init", "-q"], ["add", "-A"], commit):
        run(["git", *arguments], folder)
    changes = {"base_model.name": str(place / NAME), **CHANGES}
    options = [p for key, v in changes.items() for p in ("-S", f"{key}={hydra_value(v)}")]
    run([sys.executable, "-m", "numina.cli.main", "run", "published", *options], folder)
    return folder


def test_every_model_of_the_dag_is_the_published_one_file_by_file(evaluated):
    for model in ("base", "cot", "tir", "quantised"):
        for file in (evaluated.parent / NAME).iterdir():
            assert (evaluated / "models" / model / file.name).read_bytes() == file.read_bytes()


def test_it_is_asked_for_a_chain_of_thought_and_for_programs(evaluated):
    def texts(model: str) -> set[tuple[str, str | None]]:
        files = sorted((evaluated / "eval/greedy" / model).glob("mini_*.jsonl"))
        rows = [row for file in files for _, row in read_records(file, Trace)]
        assert len(rows) == 5
        return {(row.text, row.answer) for row in rows}

    assert texts("cot") == {(SAME[: SAME.index("\n```output")], None)}
    assert texts("tir") == texts("quantised") == {(SAME, "42")}


def test_the_votes_run_programs_of_all_traces(evaluated):
    for file in (evaluated / "eval/sctir").glob("*/seed_1.jsonl"):
        for _, verdict in read_records(file, Verdict):
            ran = [trace for trace in verdict.traces if trace.block_statuses]
            assert len(ran) >= 2
            assert verdict.answer == "42"
    ran = json.loads((evaluated / "eval/sctir/run.json").read_text())
    assert Path(ran["base_model"]).name == NAME


def test_the_report_has_the_published_figures_and_no_training(evaluated):
    page = (evaluated / "reports/index.html").read_text()
    table = page[page.index('<table id="published"') :]
    table = re.sub(r"<[^>]+>", " ", table[: table.index("</table>")])
    for row in [row for row in PUBLISHED if row.model == NAME]:
        assert row.source in table
        assert f"{100 * row.low:g}" in table
    assert table.count("other problems") == 2
    assert "it was not trained here" in page
    assert "The model was not quantised here: 32 bits" in page
    assert "not quantised, greedy" in page
    card = (evaluated / "models/quantised.README.md").read_text()
    assert "it was evaluated here, not trained and not quantised" in card
    assert "own chat template (`template.name: chat`, row `qwen2.5-math`)" in card
    assert "## Training" not in card


def test_our_figure_stands_beside_one_on_the_same_problems_only():
    ours = {"accuracy": 0.6, "ci95_low": 0.5, "ci95_high": 0.7}
    for n, shown in ((83, True), (12, False)):
        found = published_of("AI-MO/NuminaMath-7B-TIR", {"amc": {"sctir": {**ours, "n": n}}})
        assert [row.ours is not None for row in found if row.published.split == "amc"] == [shown]
    year = {"AMC 2023": {"tir_greedy": {**ours, "n": 40}}}
    found = published_of("AI-MO/NuminaMath-7B-TIR", year)
    assert [row.published.system for row in found if row.ours] == ["greedy"]
    assert published_of("/models/deepseek-math-7b-rl", {})
    assert published_of("somebody/else", {}) == []
