"""`numina push`, against a hub on loopback."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.hub.client import environment
from tests.hub.faults import Fault
from tests.hub.server import READER, TOKEN, Hub, serving

PIPELINE = """
stages:
  quantize:
    cmd: mkdir -p models && cp -r ../model models/quantised
    outs: [models/quantised]
  report:
    cmd: python write.py
    deps: [models/quantised, write.py]
    outs: [models/quantised.README.md, reports/metrics.json: {cache: false},
      reports/summary.json: {cache: false}]
"""
WRITE = """
from pathlib import Path
Path("reports").mkdir(exist_ok=True)
Path("models/quantised.README.md").write_text("---\\nlicense: apache-2.0\\n---\\n# A card\\n")
for name in ("metrics", "summary"):
    Path(f"reports/{name}.json").write_text('{"all": {"tir": 62.0}}')
"""
AUTHOR = {
    f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
FIGURES = ["reports/metrics.json", "reports/summary.json"]


@pytest.fixture(scope="module")
def finished(model_folder, tmp_path_factory) -> Path:
    """A folder with a finished run of a small pipeline."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(model_folder, folder / "model")
    project = folder / "project"
    project.mkdir()
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "write.py").write_text(WRITE)
    shutil.copy(ROOT / "params.yaml", project)
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"], ["dvc", "repro", "-q"]):
        call([sys.executable, "-m", *command] if command[0] == "dvc" else command, project)
    return folder


def call(command: list[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **AUTHOR, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    subprocess.run(command, cwd=folder, env=env, check=True, timeout=120)


@pytest.fixture
def project(finished, tmp_path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(finished, tmp_path / "run", symlinks=True)
    return tmp_path / "run" / "project"


@pytest.fixture
def hub(tmp_path) -> Iterator[Hub]:
    (tmp_path / "hub").mkdir()
    with serving(tmp_path / "hub") as running:
        yield running


def push(
    project: Path, hub: Hub, *options: str, token: str = TOKEN
) -> subprocess.CompletedProcess[str]:
    given = {"HF_TOKEN": token} if token else {}
    return subprocess.run(
        [sys.executable, "-m", "numina.cli.main", "push", "--repo", "me/model", *options],
        cwd=project,
        env={**environment(hub, project.parent, **given), "DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    (line,) = re.findall(r"error: [^\r\n]*", done.stderr)  # a bar of the client may precede it
    return line


def listed(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The paths that a command lists, in their order."""
    return re.findall(r"^ *\S+ kB  (\S+)  \(", done.stdout, re.M)


def test_what_was_pushed_loads_as_a_base_model(project, hub, tmp_path):
    done = push(project, hub)
    assert done.returncode == 0, done.stderr
    repository = hub.store.get("models", "me/model")
    commit = repository.commit_of("main")
    assert done.stdout.strip().endswith(f"{hub.url}/me/model/commit/{commit}")
    assert not repository.private
    there = {stored.path: stored.content.read_bytes() for stored in repository.files("main")}
    model = project / "models/quantised"
    for file in model.iterdir():
        assert there[file.name] == file.read_bytes()
    assert there["README.md"] == (project / "models/quantised.README.md").read_bytes()
    assert json.loads(there["reports/summary.json"]) == {"all": {"tir": 62.0}}

    changes = {"source": "hub", "name": "me/model", "revision": commit, "file": "", "sha256": ""}
    code = f"""
from pathlib import Path
from numina.models.base import place_base_model
from tests.conftest import changed_params
changes = {{f"base_model.{{key}}": value for key, value in {changes}.items()}}
place_base_model(changed_params(changes).base_model, Path("base"))
"""
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(hub, tmp_path),
        check=True,
        timeout=120,
    )
    from safetensors.numpy import load_file

    ours, theirs = (load_file(at / "model.safetensors") for at in (model, tmp_path / "base"))
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours)


def test_nothing_is_uploaded_that_is_not_listed(project, hub):
    dry = push(project, hub, "--dry-run", token="")
    assert dry.returncode == 0, dry.stderr
    assert hub.asked == []
    files = listed(dry)
    model = sorted(file.name for file in (project / "models/quantised").iterdir())
    assert files == sorted([*model, "README.md", *FIGURES])
    assert "would be uploaded to me/model, branch main" in dry.stdout
    assert listed(push(project, hub)) == files
    there = [stored.path for stored in hub.store.get("models", "me/model").files("main")]
    assert sorted(there) == sorted([*files, ".gitattributes"])


def test_a_private_repository_and_a_branch_of_it(project, hub):
    done = push(project, hub, "--private", "--revision", "v2")
    assert done.returncode == 0, done.stderr
    repository = hub.store.get("models", "me/model")
    assert repository.private
    assert [stored.path for stored in repository.files("main")] == [".gitattributes"]
    assert "README.md" in [stored.path for stored in repository.files("v2")]


def test_pushed_again_it_is_one_more_commit_and_what_else_is_there_stays(project, hub):
    assert push(project, hub).returncode == 0
    repository = hub.store.get("models", "me/model")
    repository.commit("main", {"notes.txt": b"mine"})
    (project / "write.py").write_text(WRITE.replace("62.0", "63.0"))
    call([sys.executable, "-m", "dvc", "repro", "-q"], project)
    assert push(project, hub).returncode == 0
    there = {
        stored.path: stored.content.read_text("latin-1") for stored in repository.files("main")
    }
    assert there["notes.txt"] == "mine"
    assert "63.0" in there["reports/metrics.json"]


def test_a_public_repository_does_not_become_private_in_silence(project, hub):
    assert push(project, hub).returncode == 0
    assert (
        refusal(push(project, hub, "--private"))
        == "error: --private: me/model exists and is public"
    )


@pytest.mark.parametrize(
    ("options", "token", "reason"),
    [
        ([], "", "the hub's token is missing: log in with `hf auth login`, or set HF_TOKEN"),
        ([], "hf_wrong", "me/model: cannot be uploaded to: refused (401"),
        ([], READER, "me/model: cannot be uploaded to: refused (403, You don't have the rights"),
        (["--repo", "other/model"], TOKEN, "other/model: cannot be uploaded to: refused (403"),
        (["--repo", "model"], TOKEN, "--repo: 'model' has no owner; it must be OWNER/NAME"),
        (["--repo", "a/b/c"], TOKEN, "--repo: Repo id must be in the form"),
        (["--model", "models/other"], TOKEN, "models/other: not found; `dvc checkout` brings back"),
    ],
)
def test_a_refusal_is_one_line_and_nothing_is_uploaded(project, hub, options, token, reason):
    assert refusal(push(project, hub, *options, token=token)).startswith(f"error: {reason}")
    assert not [ask for ask in hub.asked if "commit" in ask]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda at: shutil.rmtree(at / "models/quantised"), "models/quantised: not found"),
        (lambda at: (at / "models/quantised.README.md").unlink(), "README.md: not found; `dvc"),
        (
            lambda at: (at / "reports/metrics.json").unlink(),
            "reports/metrics.json: not found; `dvc",
        ),
        (
            lambda at: (at / "models/quantised/model.safetensors").unlink(),
            "models/quantised: no weights",
        ),
        (lambda at: (at / "write.py").write_text(WRITE + "#"), "not finished, or something was"),
        (lambda at: (at / "models/quantised/secret.txt").write_text("x"), "changed after it: "),
        (lambda at: (at / "dvc.yaml").unlink(), "dvc status: "),
    ],
    ids=["model", "card", "figures", "weights", "stage", "stray-file", "no-pipeline"],
)
def test_an_unfinished_run_is_refused_before_the_hub_is_asked(project, hub, damage, reason):
    damage(project)
    assert reason in refusal(push(project, hub))
    assert hub.asked == []


def test_a_hub_that_fails_in_between_has_no_half_of_it(project, hub):
    hub.faults.coming = [Fault("status", "PUT .*", status=400, times=-1)]
    line = refusal(push(project, hub))
    assert line == "error: me/model: cannot be uploaded to: the hub answered with status 400"
    there = [stored.path for stored in hub.store.get("models", "me/model").files("main")]
    assert there == [".gitattributes"]
    hub.faults.coming = []
    assert push(project, hub).returncode == 0
