"""The files of cluster/: they parse, and run what they should, with stand-ins for schedulers."""

import itertools
import os
import re
import shlex
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from numina.cli.run import check_changes
from numina.profile import arguments, names
from tests.conftest import ROOT

CLUSTER = ROOT / "cluster"
SCRIPTS = sorted([*CLUSTER.glob("*.sh"), *CLUSTER.glob("*.sbatch")])
SKY = CLUSTER / "sky.yaml"
# Stand-ins write down their arguments, one call a line; two hosts are in every job.
STANDINS = {
    "scontrol": "printf 'n1\\nn2\\n'",
    "hostname": "echo n1",
    "srun": 'echo "srun $*" >> "$CALLS"; exec sleep 30 >/dev/null 2>&1',
    # A server answers once it was started.
    "curl": 'echo "curl $*" >> "$CALLS"; [ ! -e "$CALLS.down" ] && '
    'grep -q models/quantised "$CALLS"',
    "python": 'echo "python $*" >> "$CALLS"; case "$*" in *numina.profile*) '
    'echo "-S template.name=chat";; *) exec sleep 30 >/dev/null 2>&1;; esac',
    "dvc": 'echo "dvc $*" >> "$CALLS"',
    "numina": 'echo "numina $*" >> "$CALLS"; printf "%s\\0" "$@" > "$CALLS.numina"',
}
# Fields of a SkyPilot task; the parser of skypilot 0.14.1 took the file as it is.
SKY_FIELDS = {"name": str, "num_nodes": int, "resources": dict, "envs": dict, "workdir": str}
SKY_FIELDS |= {"setup": str, "run": str}


@pytest.fixture
def play(tmp_path):
    """Run a script with the stand-ins; return its calls."""

    def run(script: str, *arguments: str, **variables: str) -> list[str]:
        for name, body in STANDINS.items():
            (tmp_path / "bin").mkdir(exist_ok=True)
            (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{body}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        calls = tmp_path / "calls"
        own = {"CALLS": str(calls), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script, "job", *arguments],
            cwd=ROOT,
            env={**os.environ, **own, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return calls.read_text().splitlines()

    return run


def numina_changes(tmp_path: Path) -> list[str]:
    """The -S of the last `numina run`, checked as `numina run` checks them."""
    words = (tmp_path / "calls.numina").read_text().split("\0")[:-1]
    assert words[0] == "run"
    profiles = [word for word in words[1:] if word in names()]
    changes = [after for word, after in itertools.pairwise(words) if word == "-S"]
    check_changes([*arguments(profiles)[1::2], *changes], queue=False, where="job")
    return changes


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_bash_parses_every_script(script):
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("script", ["decode.sbatch", "train.sbatch"])
def test_options_of_slurm_come_before_the_first_command(script):
    lines = (CLUSTER / script).read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    options = [i for i, line in enumerate(lines) if line.startswith("#SBATCH ")]
    assert options and max(options) < first
    assert all(re.fullmatch(r"#SBATCH --[a-z-]+(=\S+)?", lines[i]) for i in options)


def test_the_job_for_decoding_serves_on_every_node_and_solves_over_all(play, tmp_path):
    calls = play((CLUSTER / "decode.sbatch").read_text(), SLURM_JOB_NODELIST="n[1-2]")
    assert "dvc exp run -S template.name=chat quantize" in calls
    assert any("cluster/serve.sh models/quantised" in call for call in calls)
    assert [call for call in calls if call.startswith("curl")] != []
    assert "hardware.server.urls=['http://n1:8000/v1','http://n2:8000/v1']" in numina_changes(
        tmp_path
    )
    assert calls[-1].startswith("numina run published ")


def test_the_job_for_training_starts_the_other_node_by_srun(play, tmp_path):
    play((CLUSTER / "train.sbatch").read_text(), "numina-7b", SLURM_JOB_NODELIST="n[1-2]")
    changes = numina_changes(tmp_path)
    assert changes[0] == "hardware.nodes.hosts=['n1','n2']"
    assert changes[1].startswith("hardware.nodes.start='srun --overlap ")
    assert "{host}" in changes[1]
    assert "{command}" in changes[1]


def test_the_task_of_skypilot_has_its_fields_and_parses():
    task = yaml.safe_load(SKY.read_text())
    assert {name: type(value) for name, value in task.items()} == SKY_FIELDS
    assert all(isinstance(value, str) for value in task["envs"].values())
    assert set(task["resources"]) == {"accelerators"}
    for part in ("setup", "run"):
        subprocess.run(["bash", "-n", "-c", task[part]], check=True)


@pytest.mark.parametrize("rank", [0, 1])
def test_each_machine_of_skypilot_serves_and_the_first_solves(play, tmp_path, rank):
    task = yaml.safe_load(SKY.read_text())
    script = task["run"].replace("source .venv/bin/activate\n", "")
    script = script.replace("sleep 10", 'touch "$CALLS.down"; sleep 0.1')
    variables = {"SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2", "SKYPILOT_NODE_RANK": str(rank)}
    calls = play(script, **variables, **task["envs"])
    host = f"10.0.0.{rank + 1}"
    assert any(f"--model models/quantised --host {host} --port 8000" in call for call in calls)
    assert (tmp_path / "calls.numina").exists() == (rank == 0)
    if rank == 0:
        urls = "hardware.server.urls=['http://10.0.0.1:8000/v1','http://10.0.0.2:8000/v1']"
        assert urls in numina_changes(tmp_path)


def test_waiting_ends_when_all_servers_answer_and_fails_with_the_one_that_does_not():
    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v1/models" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    def wait(*urls: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(CLUSTER / "wait.sh"), *urls],
            env={**os.environ, "LIMIT_S": "0"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    with ThreadingHTTPServer(("127.0.0.2", 0), Models) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.2:{server.server_port}/v1"
        assert wait(url, url).returncode == 0
        bad = wait(url, url.replace("/v1", "/v2"))
        server.shutdown()
    assert bad.returncode == 1
    assert bad.stderr.strip() == f"{url.replace('/v1', '/v2')} does not answer"


def test_a_remote_carries_a_run_and_an_experiment_to_another_clone(tmp_path):
    """The lines of docs/cluster.md, with a folder for the remote and a DAG of one stage."""
    origin, here, there = (tmp_path / name for name in ("origin.git", "here", "there"))
    here.mkdir()
    own = {"HOME": str(tmp_path), "DVC_NO_ANALYTICS": "1"}
    own |= {
        f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }

    def run(folder: Path, *lines: str) -> str:
        said = ""
        for line in lines:
            done = subprocess.run(
                ["bash", "-ec", line],
                cwd=folder,
                env={**os.environ, **own},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, line + done.stdout + done.stderr
            said += done.stdout
        return said

    stage = {"cmd": "cat params.yaml > out", "params": ["a"], "outs": ["out"]}
    (here / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"one": stage}}))
    (here / "params.yaml").write_text("a: 1\n")
    run(here, f"git init -q --bare {origin}", "git init -q -b main", "dvc init -q", "dvc repro -q")
    run(here, f"dvc remote add -d shared {tmp_path / 'shared'}", "git add -A", "git commit -qm one")
    run(here, f"git remote add origin {origin}", "git push -q origin main", "dvc push")
    run(here, "dvc exp run -n other -S a=2", "dvc exp push origin other")
    run(tmp_path, f"git clone -q -b main {origin} {there}")
    assert "Running stage" not in run(there, "dvc pull && dvc repro")
    assert (there / "out").read_text() == "a: 1\n"
    run(there, "dvc exp pull origin other", "dvc exp apply other")
    assert (there / "out").read_text() == "a: 2\n"


def test_lines_of_the_docs_name_files_and_profiles_that_are_there():
    text = (ROOT / "docs/cluster.md").read_text() + (ROOT / "docs/published.md").read_text()
    for file in re.findall(r"cluster/[\w.]+\.(?:sh|sbatch|yaml)", text):
        assert (ROOT / file).exists(), file
    runs = re.findall(r"^numina run ((?:.*\\\n)*.*)$", text, re.M)
    assert len(runs) >= 4
    for line in runs:
        words = shlex.split(line.replace("\\\n", " "), comments=True)
        assert words[0] in names()
        options = [after for word, after in itertools.pairwise(words) if word == "-S"]
        options = [one.replace("=COMMIT", f"={'a' * 40}") for one in options]
        check_changes([*arguments([words[0]])[1::2], *options], queue=False, where=line)
