"""A made-up run with its report, in a git repository."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dag import ROOT, stages
from tests.report.made import write_run


def run_stage(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Run a stage's own command, as dvc.yaml has it, in `folder`."""
    words = shlex.split(stages()[name]["cmd"])
    return subprocess.run(
        [sys.executable, *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def prepare(folder: Path) -> Path:
    """A folder in which `score` and `report` can run."""
    write_run(folder)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def reported(tmp_path_factory) -> Path:
    """A folder with a finished report, compared with a commit whose outcomes differ in one."""
    folder = prepare(tmp_path_factory.mktemp("run"))
    done = run_stage(folder, "score")
    assert done.returncode == 0, done.stderr
    outcomes = folder / "reports/outcomes.csv"
    ours = outcomes.read_text()
    outcomes.write_text(ours.replace("aime-2,cot_greedy,1.0", "aime-2,cot_greedy,0.0"))
    git(folder, "init", "-q")
    git(folder, "add", "params.yaml", "reports/outcomes.csv")
    git(folder, "commit", "-q", "-m", "An earlier run")
    outcomes.write_text(ours)
    done = run_stage(folder, "report")
    assert done.returncode == 0, done.stderr
    return folder
