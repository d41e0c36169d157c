"""The contest: its protocol, its clock, and what it writes."""

import asyncio
import contextlib
import csv
import json
import sys
import time
import types

import pytest

from numina.contest.aimo import LocalContest, read_contest
from numina.contest.play import play
from numina.errors import UserError
from numina.records.problem import Problem
from numina.sctir.clock import Clock
from numina.sctir.journal import Journal
from tests.conftest import changed_params

TEXTS = {"a": "What is $1+1$?", "b": "What is $2+2$?", "c": "word " * 600, "d": "What is $4$?"}
PROBLEMS = [Problem(name, text, "", "test") for name, text in TEXTS.items()]


def write_problems(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def small(**time_bank):
    params = changed_params()
    return params.model_copy(
        update={
            "engine": params.engine.model_copy(update={"name": "transformers"}),
            "sctir": params.sctir.model_copy(update={"n": 2, "max_new_tokens": 8}),
            "time_bank": params.time_bank.model_copy(update=time_bank),
        }
    )


def answers(path) -> dict[str, str]:
    with path.open() as rows:
        return {row["id"]: row["answer"] for row in csv.DictReader(rows)}


def test_every_problem_is_answered_with_an_integer_even_one_that_cannot_be_asked(
    model_folder, tmp_path
):
    file = write_problems(
        tmp_path / "p.jsonl", [{"id": name, "problem": text} for name, text in TEXTS.items()]
    )
    out = tmp_path / "submission.csv"
    play(small(), model_folder, file, out, scale=1.0)
    found = answers(out)
    assert set(found) == set(TEXTS)
    assert all(0 <= int(answer) <= 999 for answer in found.values())
    assert found["c"] == "0"


def test_the_order_is_drawn_by_seed(tmp_path):
    def order(seed: int) -> list[str]:
        contest = LocalContest(PROBLEMS, tmp_path / "s.csv", seed)
        names = []
        for test, submission in contest.iter_test():
            names.append(test["id"].iloc[0])
            contest.predict(submission)
        return names

    assert order(1) == order(1)
    assert sorted(order(1)) == sorted(TEXTS)
    assert len({tuple(order(seed)) for seed in range(5)}) > 1


def test_a_problem_comes_only_once_the_one_before_is_answered(tmp_path):
    served = LocalContest(PROBLEMS, tmp_path / "s.csv", 1).iter_test()
    next(served)
    with pytest.raises(RuntimeError, match="predict"):
        next(served)


def test_the_submission_has_the_answers_so_far(tmp_path):
    contest = LocalContest(PROBLEMS, tmp_path / "s.csv", 1)
    served = contest.iter_test()
    test, submission = next(served)
    submission["answer"] = 7
    contest.predict(submission)
    assert answers(tmp_path / "s.csv") == {test["id"].iloc[0]: "7"}


def test_the_contests_own_module_is_used_where_it_is_there(model_folder, tmp_path, monkeypatch):
    served = LocalContest(PROBLEMS[:2], tmp_path / "theirs.csv", 1)
    module = types.ModuleType("aimo")
    module.make_env = lambda: served  # type: ignore[attr-defined]
    module.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "aimo", module)
    play(small(), model_folder, None, tmp_path / "unused.csv", scale=1.0)
    assert set(answers(tmp_path / "theirs.csv")) == {"a", "b"}
    assert not (tmp_path / "unused.csv").exists()


def test_without_time_the_answers_are_zeros(model_folder, tmp_path):
    file = write_problems(tmp_path / "p.jsonl", [{"id": "a", "problem": TEXTS["a"]}])
    play(small(), model_folder, file, tmp_path / "s.csv", scale=1e-9)
    assert answers(tmp_path / "s.csv") == {"a": "0"}


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


def test_base_times_beyond_the_budget_are_refused_before_the_model_is_loaded(tmp_path):
    file = write_problems(tmp_path / "p.jsonl", [{"id": "a", "problem": "x"}])
    with pytest.raises(UserError, match="base_s"):
        play(small(base_s=1e6), tmp_path / "nowhere", file, tmp_path / "s.csv", scale=1.0)


def test_a_contest_that_is_started_again_keeps_its_answers_and_its_traces(
    model_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rows = [{"id": str(i), "problem": f"What is ${i}+1$?"} for i in range(6)]
    file, out = write_problems(tmp_path / "p.jsonl", rows), tmp_path / "s.csv"
    given = LocalContest.predict

    def dies(self, submission):
        given(self, submission)
        if len(self.answers) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(LocalContest, "predict", dies)
    with pytest.raises(KeyboardInterrupt):
        play(small(), model_folder, file, out, scale=1.0)
    assert len(answers(out)) == 4
    (journal,) = (tmp_path / "cache").rglob("traces.jsonl")
    assert journal.read_bytes().count(b"\n") == 8

    seen = []

    def sees(self, submission):
        given(self, submission)
        seen.append((len(self.answers), journal.read_bytes().count(b"\n")))

    monkeypatch.setattr(LocalContest, "predict", sees)
    play(small(), model_folder, file, out, scale=1.0)
    # The answers stand from the first moment, and the four problems decode nothing again.
    assert seen == [(4, 8), (4, 8), (4, 8), (4, 8), (5, 10), (6, 12)]
    assert not journal.exists()


def test_one_problem_whose_requests_fail_and_a_problem_too_many_do_not_end_a_contest(tmp_path):
    from numina.agent.trace import Agent, TraceLimits
    from numina.contest.play import answer_all
    from tests.sctir.scripted import PLAIN, NoPrograms, Scripted

    class Down(Scripted):
        async def complete(self, prompt, sampling):
            if "2+2" in prompt:
                raise UserError("hardware.server.urls: no server answers")
            return await super().complete(prompt, sampling)

    @contextlib.asynccontextmanager
    async def opened(*_):
        yield Agent(Down("\\boxed{5}"), NoPrograms(), PLAIN, TraceLimits(1, 1, 9, 99, 0, 99))

    contest = LocalContest(PROBLEMS[:2], tmp_path / "s.csv", 1)
    clock = Clock(small().time_bank.model_copy(update={"budget_s": 60.0}), 1, time.monotonic)
    with pytest.MonkeyPatch.context() as patch, Journal(tmp_path / "j" / "t.jsonl") as journal:
        patch.setattr("numina.contest.play.open_agent", opened)
        asyncio.run(answer_all(small(), tmp_path, contest, 1, clock, journal))
    assert answers(tmp_path / "s.csv") == {"a": "5", "b": "0"}
