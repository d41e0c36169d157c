"""The command line, as a person uses it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def numina(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "numina.cli.main", *arguments],
        cwd=ROOT,
        input=typed,
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
    assert "trace 1 starts; in flight: 1" in done.stderr
    assert "trace 1 ends: " in done.stderr
    assert "so far: " in done.stderr
    assert not [sign for sign in done.stderr if sign < " " and sign != "\n"]


def family_of(pid: int) -> list[int]:
    """A process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in family_of(int(child)))]


def is_running(pid: int) -> bool:
    """Whether a process is there and is not dead, waiting for init to take note."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_ctrl_c_ends_solve_and_leaves_nothing_running(model_folder):
    command = [sys.executable, "-m", "numina.cli.main", "solve", "What is $4+12$?", "--n", "4000"]
    solving = subprocess.Popen(
        [*command, "--model", str(model_folder)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert solving.stderr
    while "ends" not in (line := solving.stderr.readline()):
        assert line, "it ended before it could be interrupted"
    family = family_of(solving.pid)
    assert len(family) > 1
    solving.send_signal(signal.SIGINT)
    _, rest = solving.communicate(timeout=60)
    assert solving.returncode == 130
    assert rest.endswith("interrupted\n")
    assert "Traceback" not in rest
    assert not [pid for pid in family if is_running(pid)]


def test_exec_runs_a_program_from_standard_input():
    done = numina("exec", typed="x = 6\nx * 7")
    assert json.loads(done.stdout)["stdout"] == "42\n"


def test_exec_runs_rows_of_blocks_in_sessions_of_their_own(tmp_path):
    rows = [{"id": "a", "blocks": ["x = 1", "x + 1"]}, {"id": "b", "blocks": ["x"]}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = numina("exec", "--jsonl", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert [result["status"] for result in first["results"]] == ["ok", "ok"]
    assert first["results"][1]["stdout"] == "2\n"
    assert second["results"][0]["error_type"] == "NameError"


def test_exec_names_the_row_that_is_wrong(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"id": 1, "blocks": ["1"]}\n{"id": 2}\n')
    done = numina("exec", "--jsonl", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert done.returncode == 1
    assert "in.jsonl, line 2: needs an 'id' and a list of 'blocks'" in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_exec_says_that_it_cannot_write_before_it_runs_anything(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"id": 1, "blocks": ["while True: pass"]}\n')
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "out.jsonl", tmp_path):
        done = numina(
            "exec", "--timeout", "600", "--jsonl", str(tmp_path / "in.jsonl"), str(target)
        )
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert done.stderr.startswith(f"error: {target}: ")


def test_exec_writes_what_no_file_takes_with_a_mark_in_its_place(tmp_path):
    row = {"id": 1, "blocks": ["raise ValueError(chr(0xd800))"]}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    done = numina("exec", "--jsonl", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert done.returncode == 0, done.stderr
    (result,) = json.loads((tmp_path / "out.jsonl").read_text())["results"]
    assert result["message"] == "?"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_exec_leaves_no_process_and_no_folder_after_sigterm(tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-m", "numina.cli.main", "exec", "--timeout", "60"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert running.stdin is not None
    running.stdin.write("while True: pass")
    running.stdin.close()
    running.stdin = None
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("numina-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    family = family_of(running.pid)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (130, "interrupted\n")
    assert not [pid for pid in family if is_running(pid)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["exec", "--memory", "100000000000000"],
            "--memory: sandbox.memory_mb: Input should be less than or equal",
        ),
        (
            ["exec", "--timeout", "-1"],
            "--timeout: sandbox.timeout_s: Input should be greater than 0",
        ),
        (["exec", "--jsonl", "nowhere.jsonl", "out.jsonl"], "nowhere.jsonl"),
        (["bench", "sandbox", "--traces", "nowhere"], "nowhere: not found"),
        (["solve", " "], "TEXT: the problem is empty"),
        (["solve", "x", "--n", "0"], "--n: sctir.n: Input should be greater"),
        (["solve", "x", "--n", "1000000000"], "--n: sctir.n: Input should be less than or equal"),
        (["bench", "sctir", "--n", "1000000000"], "--n: sctir.n: Input should be less"),
        (["bench", "data", "--rows", "0"], "--rows: must be from 1 to"),
        (["bench", "leaks", "--train", "nowhere", "--validation", "nowhere"], "nowhere: not found"),
        (["bench", "sctir", "--problems", "0"], "--problems: must be from 1 to"),
        (["submit", "--scale", "inf"], "--scale: must be a number above 0, got inf"),
        (["solve", "x", "--record", "/proc/x"], "/proc/x: cannot be written"),
        (["grade", "--jsonl", "/dev/null", "/dev/null"], "/dev/null: holds no rows"),
        (["exec", "--jsonl", "/dev/null", "/dev/null"], "/dev/null: holds no rows"),
        (["solve", "x", "--model", "nowhere"], "nowhere: not found, so there is no model to load"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_status(arguments, reason):
    done = numina(*arguments)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["grade", "exec"])
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": "", "blocks": ["1"], "prediction": "1", "gold": "1"}, "'id'"),
        ({"id": "a", "blocks": None, "prediction": "1", "gold": " "}, "'gold' is empty|'blocks'"),
        ({"id": "a", "blocks": [1], "prediction": "1", "gold": ""}, "'gold' is empty|'blocks'"),
        ({"id": "\ud800", "blocks": ["1"], "prediction": "1", "gold": "1"}, "lone surrogate"),
    ],
)
def test_an_empty_or_unwritable_field_is_named_with_its_line(tmp_path, command, row, reason):
    (tmp_path / "in.jsonl").write_text("\n" + json.dumps(row) + "\n")
    done = numina(command, "--jsonl", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert done.returncode == 1
    assert re.fullmatch(rf"error: \S+in\.jsonl, line 2: .*({reason}).*\n", done.stderr)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("command", ["grade", "exec"])
def test_a_byte_order_mark_and_whole_numbers_as_ids_are_read(tmp_path, command):
    row = {"id": 7, "blocks": ["1"], "prediction": "1", "gold": "1"}
    (tmp_path / "in.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps(row).encode() + b"\n")
    done = numina(command, "--jsonl", str(tmp_path / "in.jsonl"), "/dev/stdout")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == 7


@pytest.mark.parametrize("command", ["grade", "exec"])
def test_input_and_output_may_not_be_one_file(tmp_path, command):
    row = {"id": 7, "blocks": ["1"], "prediction": "1", "gold": "1"}
    file = tmp_path / "f.jsonl"
    file.write_text(json.dumps(row) + "\n")
    done = numina(command, "--jsonl", str(file), str(file))
    assert done.returncode == 1
    assert done.stderr == f"error: {file}: is also the input {file}; choose another output\n"
    assert json.loads(file.read_text()) == row


def test_what_solve_records_can_be_replayed(model_folder, tmp_path):
    from numina.engine.replay import read_recording

    file = tmp_path / "recording.jsonl"
    arguments = ["--model", str(model_folder), "--n", "3", "--json", "--record", str(file)]
    done = numina("solve", "What is $4+12$?", *arguments)
    assert done.returncode == 0, done.stderr
    tokens = sum(trace["generated_tokens"] for trace in json.loads(done.stdout)["traces"])
    assert sum(row.completion.generated_tokens for row in read_recording(file)[0]) == tokens


BROKEN = {
    "twice": (lambda text: text + "dedup: {ngram: 3, jaccard: 0.5}\n", "duplicate key 'dedup'"),
    "utf-16": (lambda text: text.encode("utf-16"), "not UTF-8"),
    "latin-1": (lambda text: (text + "# Zähler").encode("latin-1"), "not UTF-8"),
    "digits": (lambda text: text.replace("seed: 2025", "seed: " + "1" * 5000), "not YAML: Exceeds"),
    "seed": (lambda text: text.replace("seed: 2025", "seed: " + "1" * 23), "Input should be less"),
    "key": (lambda text: "? [a]\n: b\n", "not YAML: unhashable"),
    "control": (lambda text: "a\0b", "not YAML: unacceptable character"),
    "deep": (lambda text: "a: " + "[" * 5000, "not YAML: maximum recursion"),
    "list": (lambda text: "- a\n", "the whole file"),
    "empty": (lambda text: "", "the whole file"),
    "at once": (lambda text: text.replace("at_once: 0", "at_once: 9"), "at_once 9 is above n 7"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_in_params_is_one_line(tmp_path, name):
    change, reason = BROKEN[name]
    content = change((ROOT / "params.yaml").read_text())
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "params.yaml").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "numina.cli.main", "exec"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="1",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("error: params.yaml")
    assert reason in done.stderr


def test_help_and_the_version_are_shown():
    for arguments in (["demo"], ["bench", "leaks"]):
        shown = numina(*arguments, "--help")
        assert shown.returncode == 0
        assert f"    numina {' '.join(arguments)}" in shown.stdout
    assert numina("--version").stdout.startswith("numina 0.")
    assert numina("-h").stdout == numina("--help").stdout


@pytest.mark.parametrize("arguments", [[], ["gradee"], ["grade"], ["solve", "x", "--n", "many"]])
def test_a_wrong_command_line_has_status_2(arguments):
    done = numina(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.split("SigCgt:")[1].split()[0], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [["doctor"], ["bench", "soak"], ["exec"]])
@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 1.5])
def test_an_interrupt_is_one_line_and_one_status(command, number, delay):
    """To the whole group, as a terminal sends it."""
    running = subprocess.Popen(
        [sys.executable, "-m", "numina.cli.main", *command],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not catches(running.pid, signal.SIGTERM):  # Python itself is starting
        time.sleep(0.01)
    time.sleep(delay)
    if running.poll() is not None:
        pytest.skip("it was done before it could be interrupted")
    os.killpg(running.pid, number)
    _, errors = running.communicate(timeout=60)
    if running.returncode == 0:
        pytest.skip("it was done before it could be interrupted")
    assert running.returncode == 130
    assert errors.endswith("interrupted\n")
    assert "Traceback" not in errors


UNSTARTED = """
def main():
    unstarted = [asyncio.sleep(1)]
    os.kill(os.getpid(), 2)
"""
FINALIZER = """
class Ends:
    def __del__(self):
        os.kill(os.getpid(), 2)
        [number for number in range(1000)]

def main():
    Ends()
"""


@pytest.mark.parametrize("code", [UNSTARTED, FINALIZER])
def test_of_what_an_interrupt_leaves_behind_nothing_is_said(code):
    """A coroutine that is not started, and an interrupt that a finalizer drops."""
    code = f"import asyncio, os\nfrom numina import entry\n{code}\nentry.command(main)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
