"""The command line, as a person uses it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def numina(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "numina.cli", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_doctor_says_what_is_here():
    done = numina("doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"isolation", "engines", "accelerators", "versions"} <= found.keys()
    assert found["versions"]["trl"]
    assert found["engines"]["transformers"] is True


def test_solve_runs_the_sctir_loop_with_a_given_model(model_folder):
    done = numina("solve", "What is $4+12$?", "--model", str(model_folder), "--n", "3", "--json")
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["n"] == 3
    assert verdict["traces"]
    assert "trace 1: answer" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["solve", " "], "TEXT: the problem is empty"),
        (["solve", "x", "--n", "0"], "--n: must be at least 1, got 0"),
        (["solve", "x", "--model", "nowhere"], "nowhere: no config.json"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_status(arguments, reason):
    done = numina(*arguments)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
