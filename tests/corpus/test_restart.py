"""A stage that was killed goes on at the first unfinished shard, and ends with the same bytes."""

import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from numina.bench.synthetic import solved
from numina.corpus import leaks, ready, tora
from numina.corpus.ready import as_attempt
from numina.corpus.sifted import sifted_rows
from numina.corpus.teachers.embedded import EmbeddedTeacher
from numina.errors import UserError
from numina.profile import merged
from numina.records.attempt import Attempt
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.resume import kept
from numina.rows import count_rows, parquet, write_rows, written_shards
from numina.settings.params import document
from numina.sources.family import Step, Worked
from stages import collect, cot_data, dedup, tir_data, tir_select
from tests.conftest import ROOT, shards

ROWS, SHARD = 600, 100
STAGES = {
    "collect": (collect, "--digitized . --out"),
    "dedup": (dedup, "--collected . --validation validation --out"),
    "cot_data": (cot_data, "--clean . --out"),
    "tir_select": (tir_select, "--attempts . --out"),
}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with the inputs of every stage; a shard has few rows."""
    monkeypatch.setattr(parquet, "ROWS_A_SHARD", SHARD)
    monkeypatch.setattr(parquet, "ROWS_A_GROUP", SHARD)
    monkeypatch.setattr(parquet, "AT_ONCE", 20)
    rows = list(solved(ROWS, 3))
    shards(tmp_path / "problems", *rows)
    program = (
        "We compute.\n```python\nprint({0} + 0)\n```\n```output\n{0}\n```\nIt is \\boxed{{{0}}}."
    )
    with written_shards(tmp_path / "attempts", Attempt) as write:
        for row in rows:
            write(as_attempt(replace(row, tools=program.format(row.answer))))
    write_rows(tmp_path / "rows.jsonl", rows)
    write_rows(tmp_path / "validation/v.jsonl", rows[:5])
    shards(tmp_path / "pairs")
    changes = {
        "collect.per_family": 0,
        "collect.sources": [{"path": "rows.jsonl"}],
        "cot_data.max_rows": 350,
        "hardware.cache": str(tmp_path / "cache"),
    }
    params = merged(changes, document(ROOT / "params.yaml"))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch, stage: str, out: str) -> None:
    module, arguments = STAGES[stage]
    monkeypatch.setattr(sys, "argv", [stage, *arguments.split(), out])
    module.main()


def digests(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(f.relative_to(folder)): hashlib.md5(f.read_bytes()).hexdigest() for f in files}


def stopping_after(shards: int):
    """`Shards.end` of a process that stops once it has finished some shards, and their twins."""
    real, ends = parquet.Shards.end, itertools.count(1)

    def end(self) -> None:
        if next(ends) > 2 * shards:
            raise KeyboardInterrupt
        real(self)

    return end


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("finished", [0, 1, 3, 5])
def test_a_stage_goes_on_at_the_first_unfinished_shard(small, monkeypatch, stage, finished):
    run(monkeypatch, stage, "whole")
    with monkeypatch.context() as stopped:
        stopped.setattr(parquet.Shards, "end", stopping_after(finished))
        with pytest.raises(KeyboardInterrupt):
            run(monkeypatch, stage, "out")
    assert not (small / "out").exists()
    left = list(kept("shards", str(small / "cache")).glob("*/*/part-*.parquet"))
    assert len(left) == 2 * finished
    times = {file: file.stat().st_mtime_ns for file in left}
    written = []
    real = parquet.Shards.end

    def end(self) -> None:
        written.append(self.number)
        assert {file: file.stat().st_mtime_ns for file in left} == times
        real(self)

    monkeypatch.setattr(parquet.Shards, "end", end)
    run(monkeypatch, stage, "out")
    assert min(written) == finished
    assert digests(small / "out") == digests(small / "whole")
    assert list(kept("shards", str(small / "cache")).iterdir()) == []


def test_rows_of_finished_shards_are_not_compared_with_validation_again(small, monkeypatch):
    with monkeypatch.context() as stopped:
        stopped.setattr(parquet.Shards, "end", stopping_after(4))
        with pytest.raises(KeyboardInterrupt):
            run(monkeypatch, "dedup", "out")
    asked, real = [], leaks.Covered.find
    monkeypatch.setattr(
        leaks.Covered, "find", lambda self, row, read: asked.append(row.id) or real(self, row, read)
    )
    run(monkeypatch, "dedup", "out")
    assert len(asked) == ROWS - 4 * SHARD


@pytest.mark.parametrize("change", ["knob", "rows", "code"])
def test_other_knobs_rows_or_code_begin_anew(small, monkeypatch, change):
    with monkeypatch.context() as stopped:
        stopped.setattr(parquet.Shards, "end", stopping_after(3))
        with pytest.raises(KeyboardInterrupt):
            run(monkeypatch, "dedup", "out")
    if change == "knob":
        params = merged({"dedup.coverage": 0.9}, document(small / "params.yaml"))
        (small / "params.yaml").write_text(yaml.safe_dump(params))
    elif change == "rows":
        shards(small / "problems", *solved(ROWS - 50, 3))
    else:
        copy = small / "code/numina"
        copy.mkdir(parents=True)
        (copy / "resume.py").write_text("")
        monkeypatch.setattr("numina.resume.__file__", str(copy / "resume.py"))
    written, real = [], parquet.Shards.end
    monkeypatch.setattr(
        parquet.Shards, "end", lambda self: written.append(self.number) or real(self)
    )
    run(monkeypatch, "dedup", "out")
    assert min(written) == 0


def test_a_killed_process_leaves_its_shards_and_no_out(small, monkeypatch):
    run(monkeypatch, "dedup", "whole")
    program = f"""
import os, signal, sys
from numina.rows import parquet
from numina.corpus import shelves
parquet.ROWS_A_SHARD = parquet.ROWS_A_GROUP = {SHARD}
parquet.AT_ONCE = 20
real = shelves.Shelves.take
def take(self, row):
    real(self, row)
    if self.taken == {3 * SHARD + 50}:
        os.kill(os.getpid(), signal.SIGKILL)
shelves.Shelves.take = take
from stages import dedup
sys.argv = ["dedup", *{STAGES["dedup"][1].split()!r}, "out"]
dedup.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not (small / "out").exists()
    run(monkeypatch, "dedup", "out")
    assert digests(small / "out") == digests(small / "whole")


@pytest.mark.parametrize("at", [0, 99, 100, 250, 299, 300, 599])
def test_shards_from_which_a_second_run_differs_are_written_anew(tmp_path, monkeypatch, small, at):
    """As where a program runs out of time in one of two runs."""
    rows = list(solved(ROWS, 3))

    def sift(folder: Path, other: bool, resume: Path | None) -> None:
        with sifted_rows(folder, "problems", resume) as sifted:
            for number, row in enumerate(rows):
                left_out = number % 7 == 0 or (other and number == at)
                sifted.take(Removal(row, "made") if left_out else row)
                if not other and number == 310:
                    raise KeyboardInterrupt

    sift(tmp_path / "whole", True, None)
    with pytest.raises(KeyboardInterrupt):
        sift(tmp_path / "out", False, tmp_path / "work")
    sift(tmp_path / "out", True, tmp_path / "work")
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def test_every_row_is_in_one_shard_of_those_kept_or_left_out(small, monkeypatch):
    for stage, name in (("dedup", "problems"), ("cot_data", "train")):
        run(monkeypatch, stage, stage)
        files = sorted((small / stage / name).iterdir())
        assert len(files) == len(list((small / stage / "rejected").iterdir())) == ROWS // SHARD
        assert count_rows(small / stage / name) + count_rows(small / stage / "rejected") == ROWS


def test_an_error_before_the_first_shard_leaves_nothing(small, monkeypatch):
    shards(small / "problems", *solved(50, 3), *solved(50, 3))
    with pytest.raises(UserError, match="is already in row 1"):
        run(monkeypatch, "dedup", "out")
    assert list(kept("shards", str(small / "cache")).iterdir()) == []
    assert not (small / "out").exists()


TAUGHT = """
import os, signal, sys
from numina.corpus import finished, tora, ready
tora.AT_ONCE = ready.AT_ONCE = 4
real = finished.FinishedParts.{keep}
def keep(self, part, *found):
    real(self, part, *found)
    if part == {last}:
        os.kill(os.getpid(), signal.SIGKILL)
finished.FinishedParts.{keep} = keep
from stages import tir_data
sys.argv = ["tir_data", "--clean", ".", "--collected", ".", "--out", "out"]
tir_data.main()
"""


@pytest.fixture
def taught(small, monkeypatch):
    """Inputs of `tir_data`: 12 problems that the embedded teacher knows, 8 with solutions."""
    monkeypatch.setattr(tora, "AT_ONCE", 4)
    monkeypatch.setattr(ready, "AT_ONCE", 4)
    known = [
        Worked(f"sum/{n}", (Step("We add.", f"total = {n} + {n}\nprint(total)"),))
        for n in range(12)
    ]
    asked = [Problem(f"sum/{n}", f"What is ${n}+{n}$?", str(2 * n), "test") for n in range(12)]
    ran = "```python\nprint({n}*{n})\n```\n```output\n{out}\n```\nThe answer is $\\boxed{{{out}}}$."
    solved_ = [
        Problem(
            f"square/{n}", f"What is ${n}^2$?", str(n * n), "test", tools=ran.format(n=n, out=out)
        )
        for n in range(8)
        for out in [n * n + (n == 5)]
    ]
    shards(small / "problems", *asked, *solved_)
    write_rows(small / "steps.jsonl", known)
    params = merged({"tir_data.wrong_share": 0.5}, document(small / "params.yaml"))
    (small / "params.yaml").write_text(yaml.safe_dump(params))
    return small


@pytest.mark.parametrize(("keep", "last"), [("keep_attempts", 1), ("keep_rules", 0)])
def test_finished_parts_are_not_attempted_again(taught, monkeypatch, keep, last):
    arguments = ["tir_data", "--clean", ".", "--collected", ".", "--out"]
    monkeypatch.setattr(sys, "argv", [*arguments, "whole"])
    tir_data.main()
    program = TAUGHT.format(keep=keep, last=last)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not (taught / "out/attempts").exists()
    shutil.rmtree(taught / "out")  # as DVC does
    asked, checked = [], []
    real, really = EmbeddedTeacher.run, ready.broken_rules
    monkeypatch.setattr(
        EmbeddedTeacher,
        "run",
        lambda self, row, *given: asked.append(row.id) or real(self, row, *given),
    )
    monkeypatch.setattr(
        ready,
        "broken_rules",
        lambda rows, pool: checked.append(len(rows)) or really(rows, pool),
    )
    monkeypatch.setattr(sys, "argv", [*arguments, "out"])
    tir_data.main()
    parts = {"keep_attempts": (1, 2), "keep_rules": (0, 1)}[keep]
    assert (len(set(asked)), len(checked)) == (4 * parts[0], parts[1])
    assert digests(taught / "out") == digests(taught / "whole")
    assert list(kept("shards", str(taught / "cache")).iterdir()) == []
