"""Collecting, cleaning, and the two kinds of samples."""

import asyncio
import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from numina.corpus.collect import collect
from numina.corpus.cot import cot_samples
from numina.corpus.ready import programs_of
from numina.corpus.realign import realign
from numina.corpus.selection import select
from numina.corpus.sifted import Sifted
from numina.corpus.soundness import runs_together
from numina.corpus.tora import Attempted, attempts
from numina.errors import UserError
from numina.records.attempt import Attempt
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.settings.data import TirData
from numina.sources.catalog import training_problems
from numina.sources.family import Step
from tests.conftest import PARAMS, SHARED, changed_params, read_source


def problem(name: str, text: str, **fields: str) -> Problem:
    return Problem(name, text, fields.pop("answer", "1"), "test", **fields)


def tir(**changes: Any) -> TirData:
    return changed_params({f"tir_data.{knob}": value for knob, value in changes.items()}).tir_data


def cot(rows: Sequence[Problem], count: int) -> tuple[list[Problem], list[Removal]]:
    """The samples, and the rows left out."""
    samples: list[Problem] = []
    left_out: list[Removal] = []
    cot_samples(rows, count, 1, Sifted(samples.append, left_out.append))
    return samples, left_out


def attempt(
    rows: Sequence[Problem], teacher: dict[str, list[Step]], params: TirData
) -> tuple[Attempted, list[Problem], list[Removal]]:
    """How the attempts went, the samples, and the rows and attempts left out."""
    tried: list[Problem] = []
    samples: list[Problem] = []
    left_out: list[Removal] = []
    written: list[Attempt] = []
    taken = Sifted(tried.append, left_out.append)
    sections = PARAMS.model_copy(update={"tir_data": params})
    made = asyncio.run(attempts(rows, teacher, sections, taken, written.append))
    every = changed_params({"tir_select.recovery_share": 1}).tir_select
    select(tried, written, every, Sifted(samples.append, left_out.append))
    return made, samples, left_out


def rules(left_out: list[Removal]) -> dict[str, str]:
    return {removal.row.id: removal.rule for removal in left_out}


def test_gsm8k_solutions_are_realigned_with_the_answer_in_a_box():
    solution = "Natalia sold 48/2 = <<48/2=24>>24 clips.\n\nIn all 48+24 = 72.\n#### 72"
    row = realign(problem("g", "How many?", answer="72", solution=solution))
    assert row.solution == (
        "Natalia sold 48/2 = 24 clips.\nIn all 48+24 = 72.\nThe answer is $\\boxed{72}$."
    )


def test_a_solution_with_a_box_keeps_it():
    assert realign(problem("a", "?", solution="So \\boxed{1}.")).solution == "So \\boxed{1}."


def test_rows_without_solution_or_in_other_languages_or_run_together_are_left_out():
    rows = [
        problem("ok", "How many?", solution="One."),
        problem("none", "How many?"),
        problem("zh", "求和", solution="一"),
        problem("ocr", "Howmanypositiveintegersbelow?", solution="One."),
    ]
    samples, dropped = cot(rows, 9)
    assert [row.id for row in samples] == ["ok"]
    assert rules(dropped) == {
        "none": "no_solution",
        "zh": "not_english",
        "ocr": "run_together",
    }


def test_in_is_kept_and_dropped():
    rows = [problem(str(i), "How many?", solution="One.") for i in range(9)]
    samples, dropped = cot(rows, 4)
    assert {row.id for row in samples} | set(rules(dropped)) == {row.id for row in rows}
    assert len(samples) + len(dropped) == len(rows)
    assert [row.rule for row in dropped] == ["not_drawn"] * 5


@pytest.mark.parametrize(
    ("answer", "solution", "rule"),
    [
        ("proof", "We show it.", "placeholder"),
        ("notfound", "We show it.", "placeholder"),
        ("Not found.", "We show it.", "placeholder"),
        ("$\\text{Proof}$", "We show it.", "placeholder"),
        ("None", "We show it.", "placeholder"),
        ("nan", "We show it.", "placeholder"),
        ("?", "We show it.", "placeholder"),
        ("5", "So \\boxed{proof}.", "placeholder"),
        ("5", "So \\boxed{\\text{Not found}}.", "placeholder"),
        ("5", "So \\boxed{}.", "placeholder"),
        ("5", "So \\boxed{\\text{your answer}}.", "placeholder"),
        ("5", "So \\boxed{\\ldots}.", "placeholder"),
        ("5", "None", "no_solution"),
        ("5", " ", "no_solution"),
        ("5", "notfound", "no_solution"),
        ("", "We show it.", "no_answer"),
        ("None", "No such number: \\boxed{\\text{None}}.", ""),
        ("proof", "So \\boxed{5}.", ""),
        ("\\emptyset", "There is nothing.", ""),
        ("\\text{neither}", "So \\boxed{\\text{neither}}.", ""),
    ],
)
def test_placeholders_are_never_trained_on_as_answers(answer, solution, rule):
    row = problem("a", "What?", answer=answer, solution=solution)
    samples, dropped = cot([row], 9)
    assert [row.rule for row in dropped] == ([rule] if rule else [])
    assert not any("proof" in row.answer for row in samples)


@pytest.mark.parametrize(
    "text",
    [
        "Howmanypositiveintegersbelow?",
        "Thefaceshaveareas12,20and15,each twice.",
        "Findthesumofallthedigits of 99.",
        "wherethenumberofsquares is",
    ],
)
def test_text_that_lost_its_spaces_is_recognised(text):
    assert runs_together(text)


@pytest.mark.parametrize(
    "text",
    [
        "The balls are indistinguishable, and their indistinguishability matters.",
        "$a \\Longleftrightarrow b$, \\Longleftrightarrow",
        "[asy]\ncurrentprojection=orthographic(1,2,3);\nfindthenumberofthesides=3;\n[/asy]",
        "```python\nthenumberofthevalues = 3\n```",
        "`thenumberofthevalues`",
        "see https://artofproblemsolving.com/wiki/howmanythatandthesethree",
        "$\\text{thenumberofthesides}$",
        "thenumberOfTheValuesThat",
        "ttthhthttthhththththththth",
    ],
)
def test_long_words_formulas_figures_and_programs_did_not_lose_their_spaces(text):
    assert not runs_together(text)


def test_no_row_of_math_is_taken_for_a_scan():
    if not SHARED.exists():
        pytest.skip("the shared data are not on this machine")
    rows = read_source(SHARED / "train/math_train.jsonl.gz")
    samples, dropped = cot(rows, len(rows))
    assert len(samples) + len(dropped) == 7500
    assert rules(dropped) == {
        "MATH/train/number_theory/7115": "placeholder",  # their boxes are empty
        "MATH/train/number_theory/7117": "placeholder",
    }


def test_wrong_solutions_are_dropped_and_tried_again_in_rounds():
    drawn = training_problems(42, 3)
    teacher = {row.id: list(draw.steps) for row, draw in drawn}
    rows = [row for row, _ in drawn]
    params = tir(max_rows=24, wrong_share=0.5)
    made, samples, dropped = attempt(rows, teacher, params)
    rounds = made.rounds
    assert made.layers["resource_limits"]
    made_in_all = sum(row.attempts for row in rounds)
    assert len(samples) + len(dropped) == len(rows) - 24 + made_in_all
    assert rounds[0].attempts == 24
    assert rounds[0].correct < 24
    for earlier, later in itertools.pairwise(rounds):
        assert later.attempts == earlier.attempts - earlier.correct
    assert sum(row.correct for row in rounds) == len(samples) > rounds[0].correct
    for sample in samples:
        assert f"\n{sample.answer}\n```\nThe answer is $\\boxed{{{sample.answer}}}$." in (
            sample.solution
        )


def test_a_program_that_fails_is_counted_and_never_trained_on():
    row = problem("p", "What?", answer="4")
    params = tir(max_rows=1, rounds=2, wrong_share=0)
    failing = {"p": [Step("We try.", "print(missing)")]}
    made, samples, dropped = attempt([row], failing, params)
    assert samples == []
    assert [(r.attempts, r.failed) for r in made.rounds] == [(1, 1), (1, 1)]
    assert [(removal.row.id, removal.rule, removal.reason) for removal in dropped] == [
        ("p", "failed", "NameError")
    ] * 2


def test_what_the_teacher_is_not_asked_is_named_with_the_rule():
    rows = [problem("half", "What?", answer="1/2"), problem("new", "What?", answer="4")]
    _, _, dropped = attempt(rows, {"half": []}, tir())
    assert dropped == [Removal(rows[0], "not_integer"), Removal(rows[1], "no_teacher")]


def ready(*blocks: str, answer: str = "4", box: str = "4") -> Problem:
    """A row with a tool-integrated solution: programs and outputs in turn."""
    kinds = itertools.cycle(["python", "output"])
    fenced = [f"```{kind}\n{block}\n```\n" for kind, block in zip(kinds, blocks, strict=False)]
    tools = f"We count.\n{''.join(fenced)}So $\\boxed{{{box}}}$."
    return problem("r", "What?", answer=answer, tools=tools)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (ready("print(2+2)", "4"), ""),
        (ready("a = 2", "", "print(a+2)", "4"), ""),  # one session
        (ready("print(0.1+0.2)", "0.3", box="4"), ""),  # rounded
        (ready("print( 2+2,\n 5)", "4   5"), ""),
        (ready("print(a)", "NameError: name 'a' is not defined", "print(2+2)", "4"), ""),
        (ready("print('<', '\\n', 2+2)", "<\n4"), ""),
        (ready("print(2+3)", "4"), "output_differs"),
        (ready("print(2+2)", "4\n5"), "output_differs"),
        (ready("print(a)", "4"), "program_fails"),
        (ready("print(a)", "ValueError: no"), "program_fails"),
        (ready("print(2+2)", "4", answer="5"), "wrong_answer"),
        (ready("print(2+2)", "4", box="", answer="4"), "wrong_answer"),
        (ready(), "no_program"),
        (ready("print(2+2)"), "no_program"),
    ],
)
def test_a_ready_made_solution_is_run_and_its_text_must_be_true(row, rule):
    made, samples, dropped = attempt([row], {}, tir())
    assert rules(dropped) == ({"r": rule} if rule else {})
    assert [(sample.solution, sample.tools) for sample in samples] == (
        [] if rule else [(row.tools, "")]
    )
    assert made.ready == len(samples)


def test_a_ready_made_solution_can_be_trusted():
    row = ready("print(2+3)", "4")
    assert [sample.solution for sample in attempt([row], {}, tir(trust_ready=True))[1]] == [
        row.tools
    ]


def test_taught_and_ready_rows_are_drawn_together():
    taught = problem("t", "What?", answer="4")
    others = [dataclasses.replace(ready("print(2+2)", "4"), id=f"r{i}") for i in range(9)]
    steps = {"t": [Step("We count.", "print(2+2)")]}
    _, samples, dropped = attempt([taught, *others], steps, tir(wrong_share=0))
    assert {row.id for row in samples} == {"t", *(row.id for row in others)}
    _, samples, dropped = attempt([taught, *others], steps, tir(wrong_share=0, max_rows=4))
    assert len(samples) == 4
    assert [removal.rule for removal in dropped] == ["not_drawn"] * 6


def test_programs_before_one_output_are_one():
    text = "a\n```python\nx=1\n```\nb\n```py\nprint(x)\n```\n```output\n1\n```\n```python\ny\n```"
    assert programs_of(text) == [("x=1\nprint(x)", "1\n")]


def test_a_row_with_tools_alone_is_for_the_other_stage():
    row = problem("a", "What?", tools="```python\nprint(1)\n```\n```output\n1\n```")
    assert rules(cot([row], 9)[1]) == {"a": "only_tools"}


def test_sources_come_together_and_an_id_may_stand_once(tmp_path):
    (tmp_path / "d.jsonl").write_text("")
    write_rows(tmp_path / "own.jsonl", [problem("a", "One?"), problem("b", "Two?")])
    source = {"path": str(tmp_path / "own.jsonl"), "count": 0}
    params = changed_params({"collect.per_family": 1, "collect.jsonl": [source]}).collect
    families = training_problems(params.seed, params.per_family)
    rows = list(collect(params, families, tmp_path / "d.jsonl"))
    assert {"a", "b"} <= {row.id for row in rows}
    assert len(families) == len(rows) - 2
    twice = params.model_copy(update={"jsonl": params.jsonl * 2})
    with pytest.raises(UserError, match=r"own.jsonl, line 1: field 'id': 'a' is already in .*own"):
        list(collect(twice, families, tmp_path / "d.jsonl"))
