"""Steps on shards by datatrove, with two local workers: the rows that the stages give."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from datatrove.executor import LocalPipelineExecutor

from numina.bench.synthetic import solved
from numina.corpus.dedup import clean
from numina.corpus.spread import OnShard, spread
from numina.errors import UserError
from numina.records.dropped import Removal
from numina.rows import parquet, read_problems, shard_files, write_rows
from numina.rows.rejected import each_removal
from tests.conftest import ROOT, changed_params, shards

ROWS = list(solved(300, 5))
PARAMS = changed_params({"sandbox.timeout_s": 5.0})


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    """Four shards, the last of fewer rows, and validation problems of which some are in them."""
    write_rows(tmp_path / "validation/v.jsonl", [*ROWS[:20], *ROWS[250:260]])
    monkeypatch.setattr(parquet, "ROWS_A_SHARD", 80)
    monkeypatch.setattr(parquet, "AT_ONCE", 20)
    return shards(tmp_path / "rows", *ROWS)


def task(source: Path, step: str, out: str, **knobs: object) -> OnShard:
    params = changed_params({"sandbox.timeout_s": 5.0, **knobs})
    folder = source.parent
    return OnShard(step, source, folder / out, folder / "validation", params)


def digests(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("part-*")}


def test_two_workers_give_the_rows_of_one_and_dedup_those_that_it_gives_alone(source):
    shutil.copyfile(ROOT / "params.yaml", source.parent / "params.yaml")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "numina.cli.main", "spread", "leaks", "rows", "two"),
            *("--validation", "validation", "--workers", "2"),
        ],
        cwd=source.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts == json.loads((source.parent / "two/counts.json").read_text())
    assert counts["in"] == len(ROWS) and counts["rejected"]["leak"] >= 30
    assert spread(task(source, "leaks", "one"), LocalPipelineExecutor, workers=1) == counts
    assert digests(source.parent / "two") == digests(source.parent / "one")
    assert len(shard_files(source.parent / "two/problems")) == 4
    held = read_problems(source.parent / "validation/v.jsonl")
    kept = read_problems(source.parent / "two/problems")
    alone, removed = clean(ROWS, held, PARAMS.dedup)
    assert clean(kept, held, PARAMS.dedup)[0] == alone
    leaked = [removal for removal in removed if removal.rule == "leak"]
    assert list(each_removal(source.parent / "two/rejected")) == leaked


def test_only_the_shards_that_are_missing_are_done_again(source, monkeypatch):
    whole = spread(task(source, "leaks", "whole"), LocalPipelineExecutor, workers=1)
    real = OnShard.__call__

    def stops(self, data, rank, world_size):
        if rank == 2:
            raise KeyboardInterrupt
        real(self, data, rank, world_size)

    with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr(OnShard, "__call__", stops)
        spread(task(source, "leaks", "out"), LocalPipelineExecutor, workers=1)
    done = []
    monkeypatch.setattr(
        OnShard,
        "__call__",
        lambda self, data, rank, n: done.append(rank) or real(self, data, rank, n),
    )
    assert spread(task(source, "leaks", "out"), LocalPipelineExecutor, workers=1) == whole
    assert done == [2, 3]
    assert digests(source.parent / "out") == digests(source.parent / "whole")
    with pytest.raises(UserError, match="out: was begun with another step, rows, knobs or code"):
        spread(
            task(source, "leaks", "out", **{"dedup.coverage": 0.9}),
            LocalPipelineExecutor,
            workers=1,
        )


def test_programs_of_ready_made_solutions_are_run(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS_A_SHARD", 20)
    rows = [
        dataclasses.replace(row, tools=row.tools.replace("print(", "print(1+"))
        if number in (12, 36)
        else row
        for number, row in enumerate(ROWS[:40])
    ]
    source = shards(tmp_path / "rows", *rows)
    counts = spread(task(source, "ready", "out"), LocalPipelineExecutor, workers=1)
    assert counts == {"in": 40, "kept": 38, "rejected": {"output_differs": 2}}
    left_out = list(each_removal(tmp_path / "out/rejected"))
    assert left_out == [Removal(rows[at], "output_differs") for at in (12, 36)]
    kept = [row for at, row in enumerate(rows) if at not in (12, 36)]
    assert read_problems(tmp_path / "out/problems") == kept
