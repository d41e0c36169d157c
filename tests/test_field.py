"""Reported cases, each named by its row of ../shared/data/field/cases.jsonl.

The rows about answers are in `tests/answer/test_equal.py` and `tests/answer/test_find.py`. Each of
the others has a test here. More cases of the same kinds are in the tests of the rooms.
"""

import asyncio
import csv
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from numina.agent.trace import Agent
from numina.answer.find import find_answer
from numina.answer.pool import GradingPool
from numina.answer.rule import admit
from numina.contest.play import play
from numina.corpus.cot import cot_samples
from numina.corpus.dedup import clean
from numina.corpus.sifted import Sifted
from numina.errors import UserError
from numina.exams.cutting import cut_exam
from numina.exams.line import plain_lines
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.sandbox.pool import run_programs
from numina.sctir.solve import solve
from numina.settings.data import Source
from numina.settings.splits import AnswerRule
from numina.sources.opened import open_source, problems_of
from numina.sources.reading import Ids
from tests.agent.test_trace import LIMITS, trace_of
from tests.cli.test_run import ENV, numina, project  # noqa: F401  (a fixture)
from tests.conftest import SANDBOX, SANDBOX_HARDWARE, SHARED, changed_params, read_source
from tests.engine.misbehaving import Asked, Reply, Told, completion, serving
from tests.engine.test_server import ask_one
from tests.sctir.scripted import PLAIN, NoPrograms, Scripted
from tests.train.test_sft import train, with_weight

ROWS = SHARED / "field" / "cases.jsonl"
AIME = SHARED / "validation" / "aimo_aime.jsonl"
CONTEST = AnswerRule(integer=True, modulus=0, lowest=0, highest=999, from_output=False)

# What a solution states: the text, and the answer that counts.
STATED = {
    "find/code-comment": (
        "```python\n# answer \\boxed{99}\nprint(42)\n```\n```output\n42\n```\nIt printed that.",
        None,
    ),
    "find/output-phrase": (
        "The answer is 42.\n```python\nprint('The answer is 17')\n```\n"
        "```output\nThe answer is 17\n```\n",
        "42",
    ),
}

# What a model writes, step by step, and the output that its last program must be shown.
FENCED = {
    "trace/second-block-py": (
        ["```python\nn=3;print(n)\n```\n```output\n", "\n```py\nprint(n*100)\n```\n```output\n"],
        "300",
    ),
    "trace/fence-py": (["```py\nprint(6*7)\n```\n```output\n"], "42"),
    "trace/fence-space": (["``` python\nprint(6*7)\n```\n```output\n"], "42"),
    "trace/fence-crlf": (["```python\r\nprint(6*7)\r\n```\r\n```output\n"], "42"),
    "trace/two-blocks": (
        ["```python\na=6\n```\nThen:\n```python\nprint(a*7)\n```\n```output\n"],
        "42",
    ),
    "trace/fence-in-comment": (
        ["```python\n# prints ``` nothing\nprint(42)\n```\n```output\n"],
        "42",
    ),
}

PROGRAMS = {
    "program/partial-line": ("print('partial 12', end='')\nwhile True: pass", "partial 12"),
    "program/trailing-zeros": (
        "import math\ns=str(math.factorial(2000))\nprint(len(s)-len(s.rstrip('0')))",
        "499\n",
    ),
}

# Sets of statements that are all different problems.
DIFFERENT = [
    "Solve $x^2-4x+3=0$.",
    "Solve $x^2+4x-3=0$.",
    *("Compute 12/4.", "Compute 12-4.", "Compute 12+4."),
    *("Compute $\\sin 60^\\circ$.", "Compute $\\sin(-60^\\circ)$."),
    *("Compute $88/(4/2)$.", "Compute $88/4/2$."),
]

# Exams, and the pairs that they hold.
EXAMS = {
    "data/exam-steps": (
        "Problem 1. Solve it.\nSolution.\n1. Expand the product.\n2. Collect terms.\nAnswer: 5\n"
        "Problem 2. What is it?\nSolution. It is 5.",
        [("1", "Solve it."), ("2", "What is it?")],
    ),
    "data/exam-1a-1b": (
        "Problem 1a. What is 1?\nSolution. One.\nProblem 1b. What is 2?\nSolution. Two.",
        [("1a", "What is 1?"), ("1b", "What is 2?")],
    ),
}

# What a server replies at first; it is asked again.
REPLIES = {
    "server/empty-choices": [Reply({"choices": []})],
    "server/null-text": [Reply(completion(text=None))],
    "server/json-null / empty body 200": [Reply(b"null"), Reply(b"")],
    "server/520, 529": [Reply(b"no", 520), Reply(b"no", 529)],
}

# Where a server refuses one problem of a contest.
REFUSALS = {
    "status 400": Reply(b"no", 400),
    "status 503": Reply(b"no", 503),
    "empty choices": Reply({"choices": []}),
    "null text": Reply(completion(text=None)),
}


@pytest.mark.parametrize(("text", "answer"), STATED.values(), ids=STATED)
def test_what_a_solution_states(text, answer):
    assert find_answer(text) == answer


@pytest.mark.parametrize(("steps", "output"), FENCED.values(), ids=FENCED)
def test_the_last_program_is_run_and_shown_its_own_output(steps, output):
    trace, engine = trace_of(*steps, "So it is \\boxed{42}.")
    assert trace.block_statuses == ["ok"] * len(steps)
    shown = engine.prompts[-1].replace("\r\n", "\n")
    assert shown.endswith(f"```output\n{output}\n```\n")
    assert (trace.answer, trace.end) == ("42", "answer")


@pytest.mark.parametrize(("code", "printed"), PROGRAMS.values(), ids=PROGRAMS)
def test_what_a_program_prints(code, printed):
    params = SANDBOX.model_copy(update={"timeout_s": 1.0})
    ((result,),) = run_programs(params, SANDBOX_HARDWARE, [[code]])
    assert result.stdout == printed


def written(folder: Path, **fields: Any) -> Path:
    row = {"id": "a", "problem": "What is 6 times 7?", "answer": "42", **fields}
    (folder / "rows.jsonl").write_text(json.dumps(row) + "\n")
    return folder / "rows.jsonl"


def test_data_null_solution(tmp_path):
    (row,) = read_source(written(tmp_path, solution=None))
    samples, removed = [], []
    cot_samples([row], 9, 1, Sifted(samples.append, removed.append))
    assert (samples, [removal.rule for removal in removed]) == ([], ["no_solution"])


def test_data_level_null(tmp_path):
    (row,) = read_source(written(tmp_path, level=None))
    assert row.level == 0


def test_data_surrogate(tmp_path):
    file = written(tmp_path, problem="\ud835")
    (removal,) = problems_of(open_source(Source(path=str(file))), Ids())
    assert isinstance(removal, Removal)
    assert removal.where.endswith("rows.jsonl, line 1")
    assert removal.reason.startswith("holds a lone surrogate")


def test_data_dedup_signs():
    rows = [Problem(text, text, "1", "test") for text in DIFFERENT]
    kept, removed = clean(rows, [], changed_params().dedup)
    assert ([row.id for row in kept], removed) == (DIFFERENT, [])


@pytest.mark.parametrize(("text", "pairs"), EXAMS.values(), ids=EXAMS)
def test_what_an_exam_holds(text, pairs):
    found = [problem for problem, _ in cut_exam(plain_lines(text), "x.pdf")]
    assert [(pair.id.removeprefix("x/"), pair.problem) for pair in found] == pairs


def test_train_nan(model_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    broken = with_weight(model_folder, tmp_path / "broken", float("nan"))
    with pytest.raises(UserError, match="failed at step 1: the loss is nan"):
        train(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_train_no_eos(model_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    endless = shutil.copytree(model_folder, tmp_path / "endless")
    config = json.loads((endless / "tokenizer_config.json").read_text())
    config["eos_token"] = None
    (endless / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=f"{endless}: has no end token"):
        train(endless, tmp_path / "out")


def test_train_cache_unwritable(model_folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match=f"{tmp_path / 'file'}.*cannot be used"):
        train(model_folder, tmp_path / "out")


@pytest.mark.parametrize("replies", REPLIES.values(), ids=REPLIES)
def test_a_server_is_asked_again(model_folder, replies):
    for reply in replies:
        server = Told(reply)
        assert ask_one(model_folder, server).text == "4"
        assert len(server.asked) > 1


@contextmanager
def in_a_thread(told: Told) -> Iterator[list[str]]:
    """The URLs of a server in a thread of its own, for a caller that runs its own event loop."""
    urls: list[str] = []
    started, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(told) as found:
            urls.extend(found)
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    started.wait(30)
    try:
        yield urls
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_budget_submit_one_bad(model_folder, tmp_path, monkeypatch, refusal):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rows = [{"id": f"p{n}", "problem": f"What is {n} + {n}?"} for n in range(1, 6)]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def reply(asked: Asked) -> Reply:
        return refusal if "3 + 3" in asked.body["prompt"] else Reply(completion(text="\\boxed{7}"))

    with in_a_thread(Told(by=reply)) as urls:
        server = {"urls": urls, "served_model": "m", "patience_s": 1.0}
        params = changed_params(
            {
                "engine.name": "server",
                "sctir.n": 2,
                **{f"hardware.server.{knob}": value for knob, value in server.items()},
            }
        )
        play(params, model_folder, "local", tmp_path / "problems.jsonl", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as answers:
        found = {row["id"]: row["answer"] for row in csv.DictReader(answers)}
    assert found == {"p1": "7", "p2": "7", "p3": "0", "p4": "7", "p5": "7"}


def test_budget_deadline_votes(monkeypatch):
    grading = GradingPool(size=2, limit_s=1.0)
    monkeypatch.setattr("numina.answer.pool.shared", grading)
    slow = [rf"\boxed{{\sum_{{k=1}}^{{{n}}} \frac{{1}}{{k^2+1}}}}" for n in (10**6, 10**6 + 1)]

    class Slow(Scripted):
        async def complete(self, prompt, sampling):
            self.steps = (slow.pop(),)
            return await super().complete(prompt, sampling)

    async def go():
        agent = Agent(Slow(), NoPrograms(), PLAIN, LIMITS)
        sctir = changed_params({"sctir.n": 2, "sctir.stop": "none"}).sctir
        rule = CONTEST.model_copy(update={"integer": False})
        return await solve(agent, Problem("p", "Q", "", "test"), 1, sctir, rule, None, 0.2)

    verdict = asyncio.run(go())
    grading.close()
    assert (verdict.stop, verdict.outstanding) == ("deadline", 2)


def test_dvc_temp_profile(project):  # noqa: F811
    """A path of a profile begins at the root also in the copy that `--temp` makes."""
    outside = project.parent / f"{project.name}.jsonl"
    outside.write_text("17")
    (project / "profiles" / "mine.yaml").write_text(
        f"splits: {{amc: {{path: ../{outside.name}}}}}\n"
    )
    (project / "read.py").write_text(
        "import yaml\nfrom numina.local import from_root\n"
        "path = yaml.safe_load(open('params.yaml'))['splits']['amc']['path']\n"
        "print('the file says', from_root(path).read_text())\n"
        "open('seen.yaml', 'w').close()\n"
    )
    pipeline = (project / "dvc.yaml").read_text()
    command = next(line for line in pipeline.splitlines() if "cmd:" in line)
    (project / "dvc.yaml").write_text(pipeline.replace(command, "    cmd: python read.py"))
    for arguments in (["add", "-A"], ["commit", "-qm", "reads a file"]):
        subprocess.run(["git", *arguments], cwd=project, env=ENV, check=True, timeout=60)
    done = numina(project, "run", "mine", "--temp")
    assert done.returncode == 0, done.stderr
    assert "the file says 17" in done.stdout


@pytest.mark.skipif(not AIME.exists(), reason="../shared/data/validation is not here")
def test_vote_aime_official():
    rows = [json.loads(line) for line in AIME.read_text(encoding="utf-8").splitlines()]
    found = [find_answer(row["solution"]) for row in rows if row["solution"]]
    votes = [None if answer is None else admit(answer, CONTEST)[0] for answer in found]
    assert len(votes) >= 89
    assert votes == [str(int(row["answer"])) for row in rows if row["solution"]]


TABLES = (STATED, FENCED, PROGRAMS, EXAMS, REPLIES)


@pytest.mark.skipif(not ROWS.exists(), reason="../shared/data/field is not here")
def test_every_reported_row_has_a_test():
    rows = [json.loads(line)["id"] for line in ROWS.read_text(encoding="utf-8").splitlines()]
    named = {row for table in TABLES for row in table}
    for row in rows:
        test = "test_" + row.replace("/", "_").replace("-", "_")
        of_answers = row.startswith(("grade/", "grade2/")) or row.removeprefix("vote/").isdigit()
        assert of_answers or row in named or test in globals(), row
