"""The documentation: commands run or say that they do not; figures and links are right."""

import re
import shlex
import shutil
from typing import Any

import pytest
import typer

from numina.cli.commands import app
from numina.rows import read_object
from tests import docs
from tests.docs import ALONE, ELSEWHERE, FILES, HERE, NOT_RUN, ROOT, commands, run

SHOWN = list(commands())
TABLES = {*ALONE, *HERE, *docs.AFTER_A_RUN, *ELSEWHERE}


def test_every_command_is_run_somewhere_or_says_that_it_is_not():
    lost = [c for c in SHOWN if c.text not in TABLES and NOT_RUN not in c.comment]
    assert lost == []
    both = [c for c in SHOWN if c.text in TABLES and NOT_RUN in c.comment]
    assert both == []


def test_the_tables_have_no_command_that_is_not_shown():
    assert TABLES - {command.text for command in SHOWN} == set()


@pytest.mark.parametrize("file", sorted(set(ELSEWHERE.values())))
def test_what_runs_a_command_elsewhere_is_there(file):
    assert (ROOT / file).exists()


@pytest.mark.parametrize("command", HERE)
def test_commands_that_change_nothing_run(command):
    done = run(command, ROOT)
    assert done.returncode == 0, done.stderr


def test_commands_on_files_run_in_order(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    for command in ALONE:
        done = run(command, tmp_path)
        assert done.returncode == 0, done.stderr
    assert "5" in (tmp_path / "results.jsonl").read_text()
    assert "true" in (tmp_path / "verdicts.jsonl").read_text()


@pytest.mark.parametrize(
    "command", [c for c in SHOWN if c.text.startswith("numina ") and ";" not in c.text]
)
def test_a_command_line_is_one_that_numina_takes(command):
    """Also of the commands that are not run: options that do not exist are refused here."""
    words = shlex.split(command.text.partition(" >")[0])[1:]
    found: Any = typer.main.get_command(app)
    while hasattr(found, "commands"):
        assert words[0] in found.commands, command.place
        found, words = found.commands[words[0]], words[1:]
    found.make_context("numina", words).close()


def test_the_table_of_the_readme_is_the_last_default_run():
    summary = read_object(ROOT / "reports/summary.json")
    table = (ROOT / "README.md").read_text().split("| right, %")[1].split("\n\n")[0]
    rows = [re.findall(r"\| *([\d.]+) (?=\|)", line) for line in table.splitlines()[2:]]
    for system, row in zip(("cot", "tir", "gptq", "sctir"), rows, strict=True):
        shown = [float(figure) for figure in row]
        assert shown[:2] == [summary["mini_amc"][system], summary["mini_aime"][system]], system
        assert shown[2] == pytest.approx(summary["all"][system], abs=0.05), system


@pytest.mark.parametrize("file", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=str)
def test_links_lead_somewhere(file):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (file.parent / target).exists(), f"{file.name}: {target}"
