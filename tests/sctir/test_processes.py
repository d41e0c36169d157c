"""Problems shared out over processes: the same verdicts, one journal, nothing repeated."""

import contextlib
import dataclasses
import json
import threading
import time
from pathlib import Path

import psutil
import pytest

from numina.agent.processes import lost
from numina.agent.trace import step_seed
from numina.engine.protocol import Completion
from numina.engine.replay import Recorded
from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.sctir.journal import Journal
from numina.sctir.processes import IF_LOST
from numina.sctir.splits import solve_splits
from tests.conftest import changed_params

N, SEEDS, LONG_S, LIMIT_S = 3, (1, 2), 600.0, 120
SPLITS = {
    name: [Problem(f"{name}-{i}", f"What is {i}?", "1", "test") for i in range(3)]
    for name in ("easy", "hard")
}
TIMES = ("seconds", "decode_s", "execute_s", "wait_s")


def completion(text: str, finish) -> Completion:
    return Completion(text, finish, 5, len(text.split()), -0.25 * len(text))


def recorded(held: tuple[str, int, int] | None = None, without=()) -> list[Recorded]:
    """What an engine answers to each trace: a program, then its output as the answer, or a text.

    Args:
        held: a trace that does not end: its problem, seed and index.
        without: traces that are not recorded; asking for one ends in an error.
    """
    rows = []
    for number, problem in enumerate(problem for rows in SPLITS.values() for problem in rows):
        for seed in SEEDS:
            for index in range(N):
                trace = (problem.id, seed, index)
                if trace in without:
                    continue
                seconds = LONG_S if trace == held else 0.0
                value = (number + seed * index) % 3
                steps = [
                    (f"```python\nprint({value})\n```\n```output\n", "stop"),
                    (f"It is \\boxed{{{value}}}.", "end"),
                ]
                for step, (text, finish) in enumerate(steps[index % 2 :]):
                    seeded = step_seed(seed, problem.id, index, step)
                    rows.append(Recorded(seeded, seconds, completion(text, finish)))
    return rows


def solved(folder: Path, rows: list[Recorded], processes: int, **more):
    """The verdicts of a run, without what its clock measured."""
    write_rows(folder / f"recording-{processes}.jsonl", rows)
    params = changed_params(
        {
            "engine.name": "replay",
            "engine.recording": str(folder / f"recording-{processes}.jsonl"),
            "sctir.n": N,
            "sctir.seeds": list(SEEDS),
            "sctir.stop": "none",
            "hardware.solvers": processes,
            **more,
        }
    )
    rules = dict.fromkeys(SPLITS, params.answers.solve)
    with Journal(folder / "journal" / "traces.jsonl") as journal:
        found, layers = solve_splits(params, folder, SPLITS, rules, journal)
        journal.remove()
    assert layers
    return {
        run: [without_times(dataclasses.asdict(verdict)) for verdict in verdicts]
        for run, verdicts in found.items()
    }


def without_times(verdict: dict) -> dict:
    for row in (verdict, *verdict["traces"]):
        for name in TIMES:
            row.pop(name, None)
    return verdict


def running_solvers() -> list[psutil.Process]:
    """The processes of a run that still solve; one that has ended may not be reaped yet."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "multiprocessing.spawn" in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return solved(tmp_path_factory.mktemp("alone"), recorded(), 1)


def test_one_process_runs_programs_and_votes(alone):
    verdicts = [verdict for rows in alone.values() for verdict in rows]
    assert len(verdicts) == 12
    statuses = [trace["block_statuses"] for verdict in verdicts for trace in verdict["traces"]]
    assert statuses.count(["ok"]) == 24
    assert {verdict["answer"] for verdict in verdicts} == {"0", "1", "2"}


@pytest.mark.parametrize("processes", [2, 5])
def test_verdicts_do_not_depend_on_the_number_of_processes(alone, tmp_path, processes):
    assert solved(tmp_path, recorded(), processes) == alone


def test_a_killed_process_ends_the_run_and_the_next_run_repeats_nothing(alone, tmp_path):
    held = ("hard-2", 2, 0)  # the last problem: the second of two processes has it
    kept = tmp_path / "journal" / "traces.jsonl"
    caught: list[BaseException] = []

    def run() -> None:
        try:
            solved(tmp_path, recorded(held), 2)
        except UserError as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)  # a failure here must not wait for it
    thread.start()
    end = time.monotonic() + LIMIT_S
    while not kept.exists() or kept.read_bytes().count(b"\n") < 12 * N - 1:
        assert time.monotonic() < end, "the other traces did not end"
        time.sleep(0.05)
    solving = running_solvers()
    assert len(solving) >= 1
    max(solving, key=lambda child: child.pid).kill()
    thread.join(LIMIT_S)
    assert [str(error) for error in caught] == [f"{lost(1, 2, -9)}; {IF_LOST}"]
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    done = [(line["problem_id"], line["seed"], line["index"]) for line in lines]
    assert len(set(done)) == len(done) == 12 * N - 1
    assert held not in done
    assert solved(tmp_path, recorded(without=done), 2) == alone


def test_an_error_in_a_process_is_that_of_the_run(tmp_path):
    with pytest.raises(UserError, match=r"no config\.json, so there is no model to load"):
        solved(tmp_path, recorded(), 2, **{"engine.name": "transformers"})
