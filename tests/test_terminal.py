"""What a person sees of a stage, and what goes to its log."""

import os
import subprocess
import sys
from pathlib import Path

from numina.progress import COUNTS, COUNTS_AND_ESTIMATE, VoteProgress, progress_bar

ROOT = Path(__file__).resolve().parent.parent
STAGE = '''"""Do some work.

More about it.
"""
import asyncio, ctypes, logging, os, subprocess, sys, time, warnings
from numina import entry
from numina.errors import UserError
from numina.progress import progress_bar
from numina.terminal import say

def noise():
    print("noise of print")
    warnings.warn("noise of warnings")
    logging.getLogger().warning("noise of logging")
    os.write(2, b"noise of C\\n")
    ctypes.CDLL(None).puts(b"noise of stdio")
    subprocess.run(["echo", "noise of a child"])

def main():
    noise()
    say("a line of ours")
    with progress_bar(2, "items") as bar:
        bar.update(2)
    BODY

entry.GRACE_S = 1
entry.run(main)
'''
NOISES = ("print", "warnings", "logging", "C", "stdio", "a child")


def stage(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    (folder / "work.py").write_text(STAGE.replace("BODY", body))
    return subprocess.run(
        [sys.executable, "work.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_stage_shows_what_it_does_its_bar_and_what_came_out(tmp_path):
    done = stage(tmp_path, 'return "2 items"')
    assert (done.returncode, done.stdout) == (0, "2 items\n")
    lines = done.stderr.splitlines()
    assert lines[:2] == ["Do some work. (log: logs/work.log)", "a line of ours"]
    assert all(line.startswith("items: ") for line in filter(None, lines[2:]))
    log = (tmp_path / "logs/work.log").read_text()
    assert all(f"noise of {kind}" in log for kind in NOISES)


def test_of_a_crash_nothing_is_lost(tmp_path):
    done = stage(tmp_path, 'raise ValueError("why")')
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("ValueError: why\nwhat libraries printed is in logs/work.log\n")
    assert "noise" not in done.stderr
    assert "ValueError: why" in (tmp_path / "logs/work.log").read_text()


def test_a_crash_of_c_code_is_shown(tmp_path):
    done = stage(tmp_path, "os.abort()")
    assert done.returncode == -6
    assert "Fatal Python error: Aborted" in done.stderr


def test_what_the_user_got_wrong_is_one_line(tmp_path):
    done = stage(tmp_path, 'raise UserError("x.jsonl, line 3: wrong")')
    assert done.returncode == 1
    assert done.stderr.endswith("\nerror: x.jsonl, line 3: wrong\n")
    assert "Traceback" not in done.stderr


def test_an_interrupt_ends_a_stage_whose_thread_does_not(tmp_path):
    body = "os.kill(os.getpid(), 2); time.sleep(60)"
    assert stage(tmp_path, body).returncode == 130
    stuck = "os.kill(os.getpid(), 15)"
    waiting = f"asyncio.run(asyncio.wait_for(asyncio.to_thread(time.sleep, 50), 1)) or {stuck}"
    begun = "import threading; threading.Timer(1, os.kill, [os.getpid(), 2]).start(); " + waiting
    done = stage(tmp_path, begun)
    assert done.returncode == 130
    assert done.stderr.endswith("interrupted\n")
    assert "Traceback" not in done.stderr


def test_a_bar_estimates_only_what_it_can_know():
    with progress_bar(100, "items", 20) as bar:
        bar.update(7)
        assert bar.format_dict["bar_format"] == COUNTS
        bar.update(1)
        assert bar.format_dict["bar_format"] == COUNTS_AND_ESTIMATE


def test_votes_that_are_not_needed_count_as_done():
    progress = VoteProgress(2, 5)
    for seed in (1, 2):
        for _ in range(3):
            progress.trace_ended("p", seed, "4")
        assert progress.bar.n == 5 * (seed - 1) + 3
        progress.solved("p", seed)
    assert (progress.bar.n, progress.bar.total) == (10, 10)
    progress.close()
