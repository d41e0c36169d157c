"""`numina run` and `numina clean`: nothing falls through, nothing in use is removed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.test_resume import hold

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = """
stages:
  one:
    cmd: echo ran >> ran && sleep SECONDS && cp params.yaml seen.yaml
    params: [sctir, splits]
    outs: [seen.yaml: {cache: false}]
"""
AUTHOR = {
    f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
ENV = {**os.environ, **AUTHOR, "PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1"}


def numina(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "numina.cli.main", *arguments],
        cwd=folder,
        env={**ENV, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def project(tmp_path) -> Path:
    """A repository whose only stage notes that it ran, with our knobs and profiles."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    (tmp_path / "dvc.yaml").write_text(PIPELINE.replace("SECONDS", "0"))
    (tmp_path / ".gitignore").write_text("ran\nlogs\n")
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=tmp_path, env=ENV, check=True, timeout=60)
    for command in (["git", "add", "-A"], ["git", "commit", "-qm", "first"]):
        subprocess.run(command, cwd=tmp_path, env=ENV, check=True, timeout=60)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["rael-sets"], "no profile 'rael-sets'; did you mean 'real-sets'?"),
        (["smoke", "rael-sets"], "no profile 'rael-sets'"),
        (["sctir.n=3"], "'sctir.n=3' is not a profile; a change is -S sctir.n=3"),
        (["-S", "sctir.m=3"], "-S: Could not override 'sctir.m'"),
        (["-S", "sctir.n"], "-S: Error parsing override 'sctir.n'"),
        (["-S", "sctir.n=0"], "params.yaml + -S sctir.n=0: sctir.n: Input should be greater"),
        (["smoke", "-S", "sctir.at_once=4"], "at_once 4 is above n 3"),
        (["-S", "sctir.n=3,0", "--queue"], "sctir.n: Input should be greater"),
        (["-S", "sctir.n=3,5"], "the values make 2 experiments, which needs --queue"),
        (["-S", "other.yaml:a=1"], "knobs are in params.yaml only"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_runs(project, arguments, reason):
    done = numina(project, "run", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (project / "ran").exists()


def test_profiles_and_changes_reach_the_stage_the_later_ones_on_top(project):
    import yaml

    done = numina(project, "run", "real-sets", "smoke", "-S", "sctir.n=9", "--name", "mine")
    assert done.returncode == 0, done.stderr
    seen = yaml.safe_load((project / "seen.yaml").read_text())
    assert (seen["sctir"]["n"], seen["sctir"]["max_new_tokens"]) == (9, 64)
    assert seen["splits"]["amc"]["count"] == 6
    assert "mine" in done.stdout + done.stderr


def test_from_a_subfolder_it_says_where_to_run(project):
    done = numina(project / "profiles", "run", "smoke")
    assert done.returncode == 1
    assert done.stderr == "error: params.yaml: not found (run from the root of the repository)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_dvc_and_its_stage(project, number):
    (project / "dvc.yaml").write_text(PIPELINE.replace("SECONDS", "300"))
    command = [sys.executable, "-m", "numina.cli.main", "run"]
    running = subprocess.Popen(command, cwd=project, env=ENV, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (project / "ran").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert errors.endswith("interrupted\n")
    assert "Traceback" not in errors


def test_clean_removes_what_is_left_and_keeps_what_is_in_use(tmp_path):
    cache = tmp_path / "numina"
    for name in ("journals/left", "checkpoints/used"):
        (cache / name).mkdir(parents=True)
        (cache / name / "file").write_text("x")
    holder = hold(cache / "checkpoints/used")
    shown = numina(tmp_path, "clean", "--dry-run", XDG_CACHE_HOME=str(tmp_path))
    assert f"process {holder.pid} is using it" in shown.stdout
    assert "1 to remove" in shown.stdout
    asked = numina(tmp_path, "clean", XDG_CACHE_HOME=str(tmp_path))
    assert (asked.returncode, (cache / "journals/left").exists()) == (1, True)
    assert (
        asked.stderr
        == "error: standard input is not a terminal; use --yes to remove without asking\n"
    )
    done = numina(tmp_path, "clean", "--yes", XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert not (cache / "journals/left").exists()
    assert (cache / "checkpoints/used/file").exists()
    holder.communicate(timeout=30)
    again = numina(tmp_path, "clean", "--yes", XDG_CACHE_HOME=str(tmp_path))
    assert again.stdout.endswith("1 removed, 0.0 MiB\n")
    assert not (cache / "checkpoints/used").exists()
