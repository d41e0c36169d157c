"""Teachers beside the families' own: GSM8K's annotations, and a model (rejection sampling)."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

import numina.agent.open
from numina.corpus.sifted import Sifted
from numina.corpus.teachers.model import folder_hash
from numina.corpus.teachers.protocol import error_of
from numina.corpus.tora import Attempted, attempts
from numina.corpus.yields import Round, yields
from numina.engine.protocol import Completion, Sampling
from numina.errors import UserError
from numina.fences import OUTPUT_START
from numina.records.attempt import Attempt
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.sources.family import Step
from tests.conftest import PARAMS, changed_params


class Scripted:
    """An engine that writes the programs of a problem in turn, then the last output's box."""

    def __init__(self, programs: dict[str, list[list[str]]]) -> None:
        self.programs = programs
        self.asked: dict[str, int] = {}

    async def __aenter__(self) -> "Scripted":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return len(text) // 4

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        asked, _, text = prompt.partition("### Solution:\n")
        name = next(name for name in self.programs if name in asked)
        if not text:
            self.asked[name] = self.asked.get(name, -1) + 1
        script = self.programs[name][self.asked[name]]
        if text:
            script = next(one for one in self.programs[name] if f"\n{one[0]}\n" in text)
        step = text.count(OUTPUT_START)
        if step < len(script):
            said = f"We count.\n```python\n{script[step]}\n```\n{OUTPUT_START}"
            return Completion(said, "stop", 9, 9, -1.0)
        printed = text.rpartition(OUTPUT_START)[2].partition("\n")[0]
        return Completion(f"So $\\boxed{{{printed}}}$.", "end", 9, 9, -1.0)


def attempt(
    rows: Sequence[Problem], steps: dict[str, list[Step]], **changes: Any
) -> tuple[Attempted, list[Attempt], list[Removal]]:
    params = changed_params({f"tir_data.{knob}": value for knob, value in changes.items()})
    written: list[Attempt] = []
    tried: list[Problem] = []
    left_out: list[Removal] = []
    taken = Sifted(tried.append, left_out.append)
    sections = PARAMS.model_copy(update={"tir_data": params.tir_data})
    made = asyncio.run(attempts(rows, steps, sections, taken, written.append))
    assert len(tried) + len(left_out) == len(rows)
    return made, written, left_out


def problem(name: str, answer: str = "4", solution: str = "") -> Problem:
    return Problem(name, f"What is {name}?", answer, "s", solution=solution)


def as_teacher(folder: Any) -> dict[str, Any]:
    return {"teachers": ["model"], "model.path": str(folder), "model.sha256": folder_hash(folder)}


def test_a_model_is_sampled_in_rounds_until_a_problem_is_solved(monkeypatch, model_folder):
    one, two = "print(2 + 2)", "print(2 + 3)"
    engine = Scripted(
        {
            "easy": [[one], [two]],
            "late": [[two], ["print(x)"], ["print(y)", "print(2 + 2)"], [one]],
            "never": [[two], [two], [two], [two]],
        }
    )
    monkeypatch.setattr(numina.agent.open, "open_engine", lambda *_: engine)
    rows = [problem(name) for name in engine.programs]
    knobs = {"samples": 2, "rounds": 2, "model.max_context": 4000}
    made, written, _ = attempt(rows, {}, **as_teacher(model_folder), **knobs)
    assert [(row.problems, row.solved, row.attempts, row.correct) for row in made.rounds] == [
        (3, 1, 6, 1),
        (2, 1, 4, 2),
    ]
    late = [one for one in written if one.problem_id == "late"]
    assert [(one.round, one.sample, one.verdict) for one in late] == [
        (1, 0, "wrong"),
        (1, 1, "failed"),
        (2, 2, "right"),
        (2, 3, "right"),
    ]
    assert {one.teacher for one in written} == {"model"}
    assert (late[2].errors, late[2].recovered) == (["NameError", ""], True)
    assert late[2].text.endswith("```output\n4\n```\nSo $\\boxed{4}$.")
    assert all(one.part == 0 for one in written)


def test_a_real_model_is_sampled_and_all_that_it_writes_is_kept(model_folder):
    knobs = {"samples": 2, "rounds": 1, "model.max_new_tokens": 8, "model.max_context": 64}
    made, written, _ = attempt([problem("a")], {}, **as_teacher(model_folder), **knobs)
    assert made.rounds[0].attempts == len(written) == 2
    assert written[0].text != written[1].text
    assert [one.verdict for one in written] == ["failed", "failed"]
    again = attempt([problem("a")], {}, **as_teacher(model_folder), **knobs)[1]
    assert again == written


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": ""}, "sha256: is empty; .* has [0-9a-f]{64}: state it"),
        ({"sha256": "0" * 64}, "sha256: .* has [0-9a-f]{64}, not 0000"),
        ({"path": "nowhere"}, "path: 'nowhere' is not a folder"),
    ],
)
def test_a_model_is_named_by_its_hash(model_folder, changes, message):
    knobs = as_teacher(model_folder) | {f"model.{key}": value for key, value in changes.items()}
    with pytest.raises(UserError, match=f"tir_data.model.{message}"):
        attempt([problem("a")], {}, **knobs)


def test_a_problem_is_asked_of_the_first_teacher_that_knows_it():
    annotated = "He has 2+2=<<2+2=4>>4."
    rows = [problem("f", solution=annotated), problem("g", solution=annotated), problem("none")]
    steps = {"f": [Step("We add.", "print(2 + 2)")]}
    knobs = {"teachers": ["embedded", "annotations"], "wrong_share": 0, "samples": 3, "rounds": 2}
    made, written, left_out = attempt(rows, steps, **knobs)
    assert sorted((one.problem_id, one.teacher) for one in written) == [
        *[("f", "embedded")] * 3,
        ("g", "annotations"),  # it has one solution only
    ]
    assert [(removal.row.id, removal.rule) for removal in left_out] == [("none", "no_teacher")]
    assert made.rounds == [Round(2, 2, 4, 4, 0, 0)]


@pytest.mark.parametrize(
    ("integers", "most", "others", "left_out"),
    [
        (1, 9, 0, {"not_integer": 5}),
        (0.75, 9, 1, {"not_number": 3, "not_drawn": 1}),
        (0.75, 3, 0, {"not_number": 3, "not_drawn": 2}),
        (0, 9, 2, {"not_number": 3}),
    ],
)
def test_the_share_of_whole_answers_is_kept(integers, most, others, left_out):
    whole = {"i0": "4", "i1": "1,000", "i2": "-3"}
    other = {"half": "\\frac12", "tenth": "0.1"}
    never = {"pair": "(1,2)", "root": "\\sqrt2", "word": "even"}
    rows = [problem(name, answer) for name, answer in {**whole, **other, **never}.items()]
    steps = {row.id: [Step("We say.", "print(1)")] for row in rows}
    knobs = {"integers": integers, "max_rows": most, "rounds": 1, "wrong_share": 0}
    _, written, removed = attempt(rows, steps, **knobs)
    drawn = {one.problem_id for one in written}
    assert drawn >= set(whole)
    assert len(drawn & set(other)) == others
    rules = [removal.rule for removal in removed]
    assert {rule: rules.count(rule) for rule in rules} == left_out


@pytest.mark.parametrize(
    ("status", "output", "error"),
    [
        ("ok", "4", ""),
        ("ok", " \n", "empty_output"),
        ("error", "Traceback\n  x\nZeroDivisionError: division by zero", "ZeroDivisionError"),
        ("error", "sympy.core.SympifyError: x", "sympy.core.SympifyError"),
        ("error", "", "error"),
        ("timeout", "TimeoutError: no result", "timeout"),
        ("memory", "", "memory"),
    ],
)
def test_errors_are_named_by_their_kind(status, output, error):
    assert error_of(status, output) == error


def test_the_yield_of_rounds_adds_up():
    rows = yields([Round(8, 4, 16, 6, 8, 2), Round(4, 2, 8, 2, 6, 0)])
    assert [(row["round"], row["right"], row["solved"]) for row in rows] == [
        (1, 0.375, 0.5),
        (2, 0.25, 0.75),
    ]
