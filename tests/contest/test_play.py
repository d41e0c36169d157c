"""Contests: their protocols, their deadlines, and what a run that is started again repeats."""

import asyncio
import contextlib
import csv
import json
import subprocess
import sys
import time
import types

import pytest

from numina.agent.trace import Agent, TraceLimits
from numina.contest.answers import Answers
from numina.contest.local import LocalContest, read_contest
from numina.contest.play import play
from numina.contest.player import Player
from numina.engine.protocol import CompletionFailed
from numina.errors import UserError
from numina.records.problem import Problem
from numina.sctir.clock import Clock
from numina.sctir.journal import Journal
from tests.conftest import ROOT, changed_params
from tests.sctir.scripted import PLAIN, NoPrograms, Scripted

TEXTS = {"a": "What is $1+1$?", "b": "What is $2+2$?", "c": "word " * 600, "d": "What is $4$?"}
PROBLEMS = [Problem(name, text, "", "test") for name, text in TEXTS.items()]
STAND_IN = ROOT / "tests/contest/stand_in"
SMALL = {"engine.name": "transformers", "sctir.n": 2, "sctir.max_new_tokens": 8}


def small(**changes):
    return changed_params(SMALL | {key.replace("__", "."): value for key, value in changes.items()})


def write_problems(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers(path) -> dict[str, str]:
    with path.open() as rows:
        return {row["id"]: row["answer"] for row in csv.DictReader(rows)}


def test_every_problem_is_answered_with_an_integer_even_one_that_cannot_be_asked(
    model_folder, tmp_path
):
    rows = [{"id": name, "problem": text} for name, text in TEXTS.items()]
    out = tmp_path / "submission.csv"
    play(small(), model_folder, "local", write_problems(tmp_path / "p.jsonl", rows), out)
    found = answers(out)
    assert set(found) == set(TEXTS)
    assert all(0 <= int(answer) <= 999 for answer in found.values())
    assert found["c"] == "0"


def test_the_order_is_drawn_by_seed_and_each_answer_is_on_disk_before_the_next(tmp_path):
    def order(seed: int) -> list[str]:
        asked: list[str] = []

        def answer(name: str, _: str) -> str:
            given = answers(tmp_path / "s.csv") if asked else {}
            assert given == dict.fromkeys(asked, "7")
            asked.append(name)
            return "7"

        LocalContest(PROBLEMS, tmp_path / "s.csv", seed).play(answer)
        return asked

    assert order(1) == order(1)
    assert sorted(order(1)) == sorted(TEXTS)
    assert len({tuple(order(seed)) for seed in range(5)}) > 1


class Environment:
    """The environment of the module `aimo`."""

    def __init__(self, problems):
        self.problems, self.given, self.waiting = problems, {}, False

    def iter_test(self):
        import pandas

        for row in self.problems:
            assert not self.waiting, "predict() must be called before the next problem"
            self.waiting = True
            yield (
                pandas.DataFrame({"id": [row.id], "problem": [row.problem]}),
                pandas.DataFrame({"id": [row.id], "answer": [0]}),
            )

    def predict(self, submission):
        self.waiting = False
        for row in submission.itertuples():
            self.given[row.id] = row.answer


def test_the_first_contests_module_gets_whole_numbers(model_folder, tmp_path, monkeypatch):
    environment = Environment(PROBLEMS[:2])
    module = types.ModuleType("aimo")
    module.make_env = lambda: environment  # type: ignore[attr-defined]
    module.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "aimo", module)
    play(small(), model_folder, "aimo", None, tmp_path / "unused.csv")
    assert set(environment.given) == {"a", "b"}
    assert all(isinstance(answer, int) for answer in environment.given.values())
    assert not (tmp_path / "unused.csv").exists()


KAGGLE = """
import json, sys
from pathlib import Path
from numina.contest.play import play
from tests.contest.test_play import small
if __name__ == "__main__":
    changes = json.loads(sys.argv[4])
    problems = Path(sys.argv[3]) if sys.argv[3] else None
    play(small(**changes), Path(sys.argv[2]), sys.argv[1], problems, Path("unused.csv"))
"""


def kaggle_run(folder, name, model, problems="", changes=None, **environment):
    """A process that plays one of Kaggle's contests with the stand-in for its module."""
    from os import environ

    (folder / "run.py").write_text(KAGGLE)
    return subprocess.Popen(
        [sys.executable, "run.py", name, str(model), str(problems), json.dumps(changes or {})],
        cwd=folder,
        env={
            **environ,
            "PYTHONPATH": f"{ROOT}:{STAND_IN}",
            "XDG_CACHE_HOME": str(folder / "cache"),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def write_test_csv(folder):
    rows = [*TEXTS.items(), ("e", ""), ("a", "What is $5$? Under the id of another.")]
    with (folder / "test.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "problem"), *rows])
    return folder / "test.csv", len(rows)


@pytest.mark.parametrize("name", ["aimo2", "aimo3"])
def test_kaggles_local_gateway_gets_an_answer_to_every_problem(name, model_folder, tmp_path):
    polars = pytest.importorskip("polars")
    problems, count = write_test_csv(tmp_path)
    done = kaggle_run(tmp_path, name, model_folder, problems)
    said, _ = done.communicate(timeout=300)
    assert done.returncode == 0, said
    found = polars.read_parquet(tmp_path / "submission.parquet")
    assert found.height == count
    assert found["answer"].dtype == polars.Int64
    assert "the statement is empty" in said
    assert not list((tmp_path / "cache").rglob("answers.jsonl"))


def test_in_the_contests_own_run_the_server_is_there_before_the_model(model_folder, tmp_path):
    pytest.importorskip("polars")
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    problems, count = write_test_csv(tmp_path)
    own_run = {"KAGGLE_IS_COMPETITION_RERUN": "1", "STAND_IN_PORT": str(port)}
    running = kaggle_run(tmp_path, "aimo3", model_folder, **own_run)
    gateway = (
        f"from kaggle_evaluation.core import ask_all; print(ask_all({port}, {str(problems)!r}))"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", gateway],
            env={"PYTHONPATH": str(STAND_IN), "PATH": ""},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert f"shape: ({count}, 2)" in done.stdout
    finally:
        running.kill()
        running.communicate()
    (kept,) = (tmp_path / "cache").rglob("answers.jsonl")
    assert kept.read_text().count("\n") == count - 2  # not the one too long, and not the empty one


def test_a_model_that_cannot_be_loaded_ends_with_its_error_after_every_answer(
    model_folder, tmp_path
):
    polars = pytest.importorskip("polars")
    problems, count = write_test_csv(tmp_path)
    changes = {
        "engine__name": "server",
        "hardware__server__urls": ["http://127.0.0.1:9/v1"],
        "hardware__server__patience_s": 1,
    }
    done = kaggle_run(tmp_path, "aimo2", model_folder, problems, changes)
    said, _ = done.communicate(timeout=300)
    assert done.returncode != 0
    assert "http://127.0.0.1:9" in said
    found = polars.read_parquet(tmp_path / "submission.parquet")
    assert found["answer"].to_list() == [0] * count


def test_without_time_the_answers_are_the_contests_default(model_folder, tmp_path):
    file = write_problems(tmp_path / "p.jsonl", [{"id": "a", "problem": TEXTS["a"]}])
    params = small(contests__local__default="17")
    play(params, model_folder, "local", file, tmp_path / "s.csv", scale=1e-9)
    assert answers(tmp_path / "s.csv") == {"a": "17"}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "holds no problems"),
        ([{"id": "a"}], "line 1: field 'problem' must be text"),
        ([{"id": "a", "problem": "x"}, {"id": "a", "problem": "y"}], "line 2: id 'a' occurs twice"),
        ([{"id": [7], "problem": "x"}], "line 1: field 'id' must be text"),
        ([{"id": " ", "problem": "x"}], "line 1: field 'id' is empty"),
    ],
)
def test_what_is_wrong_with_the_file_is_named(tmp_path, rows, reason):
    with pytest.raises(UserError, match=reason):
        read_contest(write_problems(tmp_path / "p.jsonl", rows))


@pytest.mark.parametrize(
    ("name", "path", "reason"),
    [
        ("local", None, "needs --problems"),
        ("aimo", None, "`aimo` is not installed"),
        ("aimo2", None, "`kaggle_evaluation` is not installed"),
        ("aimo3", None, "`kaggle_evaluation` is not installed"),
    ],
)
def test_what_a_contest_lacks_is_said_before_the_model_is_loaded(
    name, path, reason, model_folder, tmp_path
):
    with pytest.raises(UserError, match=reason):
        play(small(), model_folder, name, path, tmp_path / "s.csv")


def test_base_times_beyond_the_budget_are_refused_before_the_model_is_looked_at(tmp_path):
    file = write_problems(tmp_path / "p.jsonl", [{"id": "a", "problem": "x"}])
    with pytest.raises(UserError, match="base_s"):
        play(small(time_bank__base_s=1e6), tmp_path / "nowhere", "local", file, tmp_path / "s.csv")


def test_a_contest_that_is_started_again_keeps_its_answers_and_its_traces(
    model_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rows = [{"id": str(i), "problem": f"What is ${i}+1$?"} for i in range(6)]
    file, out = write_problems(tmp_path / "p.jsonl", rows), tmp_path / "s.csv"
    given = Player.answer
    traces = []

    def lines(name: str) -> int:
        (kept,) = (tmp_path / "cache").rglob(name)
        return kept.read_bytes().count(b"\n")

    def dies(self, name, text):
        if len(answers(out) if out.exists() else {}) == 4:
            raise KeyboardInterrupt
        return given(self, name, text)

    monkeypatch.setattr(Player, "answer", dies)
    with pytest.raises(KeyboardInterrupt):
        play(small(), model_folder, "local", file, out)
    first = answers(out)
    assert (len(first), lines("answers.jsonl"), lines("traces.jsonl")) == (4, 4, 8)

    def counts(self, name, text):
        traces.append(lines("traces.jsonl"))
        return given(self, name, text)

    monkeypatch.setattr(Player, "answer", counts)
    play(small(), model_folder, "local", file, out)
    assert traces == [8, 8, 8, 8, 8, 10]  # the first four decode nothing again
    assert first.items() <= answers(out).items()
    assert not list((tmp_path / "cache").rglob("*.jsonl"))


@contextlib.contextmanager
def player(tmp_path, engine, budget_s=60.0, count=2, **changes):
    @contextlib.asynccontextmanager
    async def opened():
        yield Agent(engine, NoPrograms(), PLAIN, TraceLimits(1, 1, 9, 99, 0, 99))

    params = changed_params({"sctir.n": 4, "time_bank.budget_s": budget_s} | changes)
    clock = Clock(params.time_bank, count, time.monotonic)
    with (
        Journal(tmp_path / "j" / "traces.jsonl") as journal,
        Answers(tmp_path / "j" / "answers.jsonl") as kept,
        Player(opened, params.sctir, params.contests.aimo, clock, journal, kept) as answering,
    ):
        yield answering


class Troubled(Scripted):
    """Fails on some statements, each in its own way."""

    async def complete(self, prompt, sampling):
        if "down" in prompt:
            raise UserError("hardware.server.urls: no server answers")
        if "refused" in prompt:
            raise CompletionFailed("too many tokens")
        if "bug" in prompt:
            raise RuntimeError("out of memory")
        return await super().complete(prompt, sampling)


def test_whatever_a_problem_does_it_is_answered_and_the_others_go_on(tmp_path, capsys):
    asked = ["good", "down", "refused", "bug", "", "word " * 10**6, "\ud800", "a 51st", "good"]
    with player(tmp_path, Troubled("\\boxed{5}")) as answering:
        found = [answering.answer(str(i), text) for i, text in enumerate(asked)]
        again = answering.answer("0", "good")
    assert found == ["5", "0", "0", "0", "0", "0", "5", "5", "5"]
    assert again == "5"
    said = capsys.readouterr().err
    for reason in ("no server answers", "out of memory", "the statement is empty", "max_context"):
        assert reason in said


def test_a_problem_under_a_known_id_is_another_problem(tmp_path):
    class Echo(Scripted):
        async def complete(self, prompt, sampling):
            self.steps = (f"\\boxed{{{prompt.split()[0]}}}",)
            return await super().complete(prompt, sampling)

    with player(tmp_path, Echo("")) as answering:
        assert [answering.answer("a", "3"), answering.answer("a", "4")] == ["3", "4"]


class Blocking(Scripted):
    """Answers two traces at once, then blocks the event loop, as nothing should."""

    begun = 0

    async def complete(self, prompt, sampling):
        self.begun += 1
        if self.begun > 2:
            await asyncio.sleep(0.3)
            time.sleep(6)
        return await super().complete(prompt, sampling)


def test_the_deadline_holds_even_while_the_event_loop_is_blocked(tmp_path):
    with player(tmp_path, Blocking("\\boxed{5}"), budget_s=2.0, count=1) as answering:
        started = time.monotonic()
        assert answering.answer("a", "slow") == "5"
        assert time.monotonic() - started < 4


def test_the_reply_limit_of_a_contest_bounds_a_problem():
    now = [0.0]
    clock = Clock(changed_params({"time_bank.budget_s": 100.0}).time_bank, 2, lambda: now[0])
    assert clock.allot(most_s=30) == 30
    assert clock.remaining_s() == 100


def test_a_torn_line_of_the_answers_is_dropped_and_a_wrong_one_is_named(tmp_path):
    file = tmp_path / "answers.jsonl"
    with Answers(file) as kept:
        kept.add("a", "x", "5")
    file.write_bytes(file.read_bytes() + b'["b", "12')
    with Answers(file) as kept:
        assert (kept.get("a", "x"), kept.get("a", "y"), kept.get("b", "z")) == ("5", None, None)
    file.write_text("7\n")
    with pytest.raises(UserError, match=r"answers\.jsonl, line 1"), Answers(file):
        pass
