"""The stages of the data build hold ids and places of rows in memory, never the rows."""

import asyncio
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from numina.corpus.collect import collect
from numina.corpus.cot import cot_samples
from numina.corpus.dedup import sift
from numina.corpus.selection import select
from numina.corpus.sifted import Sifted, sifted_rows
from numina.corpus.tora import attempts
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.rows import StoredProblems, read_shards, written_shards
from tests.conftest import PARAMS, changed_params

ROWS, SIZE = 800, 10_000  # 8 MB of text, held as a string more than once by a stage that holds it
MOST = 4_000_000  # bytes in memory; modules that are imported meanwhile included


@pytest.fixture(scope="module")
def big(tmp_path_factory) -> Path:
    """Shards of long solutions; of every eighth with a program."""
    folder = tmp_path_factory.mktemp("big") / "problems"
    prose = "We add and see. " * (SIZE // 16)
    program = f"{prose}\n```python\nprint(2-1)\n```\n```output\n1\n```\n$\\boxed{{1}}$"
    with written_shards(folder, Problem) as write:
        for number in range(ROWS):
            asked = f"What is {number}+{number}?"
            tools = "" if number % 8 else program
            solution = f"{prose}So $\\boxed{{1}}$."
            write(Problem(str(number), asked, "1", "made", solution, tools=tools))
    return folder


def peak(work: Callable[[Sifted], object], folder: Path) -> tuple[int, Sifted]:
    """The most bytes in memory while work writes its rows."""
    tracemalloc.start()
    try:
        with sifted_rows(folder, "rows") as rows:
            work(rows)
        return tracemalloc.get_traced_memory()[1], rows
    finally:
        tracemalloc.stop()


def test_sources_are_read_row_by_row(big, tmp_path):
    (tmp_path / "pairs.jsonl").write_text("")
    for count in (0, 100):
        params = changed_params(
            {"collect.sources": [{"path": str(big / "part-*.parquet"), "count": count}]}
        ).collect

        def work(rows: Sifted, params=params) -> None:
            for row in collect(params, [], tmp_path / "pairs.jsonl"):
                rows.take(row)

        most, rows = peak(work, tmp_path / "out")
        assert most < MOST
        assert rows.kept == (count or ROWS)


def test_duplicates_are_found_row_by_row(big, tmp_path):
    def work(rows: Sifted) -> None:
        for row in sift(StoredProblems(big), [], changed_params().dedup):
            rows.take(row)

    most, rows = peak(work, tmp_path)
    assert most < MOST
    assert rows.kept == ROWS


def test_chains_of_thought_are_written_row_by_row(big, tmp_path):
    most, rows = peak(lambda rows: cot_samples(StoredProblems(big), 500, 1, rows), tmp_path)
    assert most < MOST
    assert (rows.kept, rows.rejected) == (500, {"not_drawn": 300})


def test_ready_made_solutions_are_checked_in_parts(big, tmp_path):
    params = PARAMS.tir_data.model_copy(update={"max_rows": ROWS})
    sections = PARAMS.model_copy(update={"tir_data": params})

    def work(rows: Sifted) -> None:
        problems = StoredProblems(big)
        with written_shards(tmp_path / "attempts", Attempt) as write:
            asyncio.run(attempts(problems, {}, sections, rows, write))

    most, rows = peak(work, tmp_path)
    assert most < MOST
    assert rows.kept == len(range(0, ROWS, 8))

    def choose(rows: Sifted) -> None:
        tried, made = StoredProblems(tmp_path / "rows"), tmp_path / "attempts"
        select(tried, read_shards(made, Attempt), PARAMS.tir_select, rows)

    most, chosen = peak(choose, tmp_path / "chosen")
    assert most < MOST
    assert chosen.kept == rows.kept
