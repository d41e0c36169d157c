"""What killed runs leave, and who holds it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.resume import left_by_runs, locked, remove, take_lock

ROOT = Path(__file__).resolve().parent.parent
HOLD = """
import sys
from pathlib import Path
from numina.resume import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """A process that has a folder locked until its input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "numina"


def test_a_second_run_is_refused_with_the_first_ones_number(tmp_path):
    holder = hold(tmp_path / "run")
    refused = rf"is using .*/run \(process {holder.pid}\)"
    with pytest.raises(UserError, match=refused), locked(tmp_path / "run"):
        pytest.fail("two have it")
    holder.kill()
    holder.wait(30)
    with locked(tmp_path / "run"):
        assert (tmp_path / "run/lock").read_text() == str(os.getpid())


def test_a_lock_outlives_no_removal(tmp_path):
    """Who waited for a folder that its holder removed has the new one, not the old."""
    with locked(tmp_path / "run"):
        assert remove(tmp_path / "run") is False
    assert remove(tmp_path / "run") is True
    assert not (tmp_path / "run").exists()
    file = take_lock(tmp_path / "run")
    assert file is not None
    with file:
        assert os.path.samestat(os.fstat(file.fileno()), (tmp_path / "run/lock").stat())


def test_what_is_left_is_listed_with_its_size_and_its_holder(cache):
    for name, size in {"journals/a": 3000, "checkpoints/b": 5000}.items():
        (cache / name).mkdir(parents=True)
        (cache / name / "file").write_bytes(bytes(size))
    holder = hold(cache / "journals/a")
    found = {left.folder.name: left for left in left_by_runs()}
    assert list(found) == ["b", "a"]
    assert found["a"].holder == str(holder.pid)
    assert found["b"].holder is None
    assert found["a"].bytes >= 3000
    assert not remove(found["a"].folder)
    assert remove(found["b"].folder)
    assert [left.folder.name for left in left_by_runs()] == ["a"]
    holder.communicate(timeout=30)


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/run: cannot be used: Not a directory"):
        with locked(tmp_path / "file/run"):
            pytest.fail("it has it")
