"""Collecting, cleaning, and the two kinds of samples."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from numina.corpus.collect import collect
from numina.corpus.cot import cot_samples, realign
from numina.corpus.soundness import runs_together
from numina.corpus.tora import tir_samples
from numina.errors import UserError
from numina.records.dropped import Dropped
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.settings.data import TirData
from numina.sources.catalog import training_problems
from numina.sources.family import Step
from numina.sources.reading import read_source
from tests.conftest import SANDBOX, SANDBOX_HARDWARE, changed_params

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"


def problem(name: str, text: str, **fields: str) -> Problem:
    return Problem(name, text, fields.pop("answer", "1"), "test", **fields)


def tir(**changes: Any) -> TirData:
    return changed_params({f"tir_data.{knob}": value for knob, value in changes.items()}).tir_data


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
    samples, dropped = cot_samples(rows, 9, 1)
    assert [row.id for row in samples] == ["ok"]
    assert {row.id: row.rule for row in dropped} == {
        "none": "no_solution",
        "zh": "not_english",
        "ocr": "run_together",
    }


def test_in_is_kept_and_dropped():
    rows = [problem(str(i), "How many?", solution="One.") for i in range(9)]
    samples, dropped = cot_samples(rows, 4, 1)
    assert {row.id for row in samples} | {row.id for row in dropped} == {row.id for row in rows}
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
        ("5", "So \\boxed{\\text{neither}}.", ""),
    ],
)
def test_placeholders_are_never_trained_on_as_answers(answer, solution, rule):
    row = problem("a", "What?", answer=answer, solution=solution)
    samples, dropped = cot_samples([row], 9, 1)
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
    samples, dropped = cot_samples(rows, len(rows), 1)
    assert len(samples) + len(dropped) == 7500
    assert {row.id: row.rule for row in dropped} == {
        "MATH/train/number_theory/7115": "placeholder",  # their boxes are empty
        "MATH/train/number_theory/7117": "placeholder",
    }


def test_wrong_solutions_are_dropped_and_tried_again_in_rounds():
    drawn = training_problems(42, 3)
    teacher = {row.id: list(draw.steps) for row, draw in drawn}
    rows = [row for row, _ in drawn]
    params = tir(max_rows=24, wrong_share=0.5)
    made = asyncio.run(tir_samples(rows, teacher, params, SANDBOX, SANDBOX_HARDWARE))
    samples, rounds = made.samples, made.rounds
    assert made.layers["resource_limits"]
    assert len(samples) + len(made.dropped) == len(rows)
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
    made = asyncio.run(tir_samples([row], failing, params, SANDBOX, SANDBOX_HARDWARE))
    assert made.samples == []
    assert [(r.attempts, r.failed) for r in made.rounds] == [(1, 1), (1, 1)]
    assert made.dropped == [Dropped("p", "unsolved")]


def test_what_the_teacher_is_not_asked_is_named_with_the_rule():
    rows = [problem("half", "What?", answer="1/2"), problem("new", "What?", answer="4")]
    made = asyncio.run(tir_samples(rows, {"half": []}, tir(), SANDBOX, SANDBOX_HARDWARE))
    assert made.dropped == [Dropped("half", "not_integer"), Dropped("new", "no_teacher")]


def test_sources_come_together_and_an_id_may_stand_once(tmp_path):
    (tmp_path / "d.jsonl").write_text("")
    write_rows(tmp_path / "own.jsonl", [problem("a", "One?"), problem("b", "Two?")])
    source = {"path": str(tmp_path / "own.jsonl"), "count": 0}
    params = changed_params({"collect.per_family": 1, "collect.jsonl": [source]}).collect
    rows, teacher = collect(params, tmp_path / "d.jsonl")
    assert {"a", "b"} <= {row.id for row in rows}
    assert len(teacher) == len(rows) - 2
    twice = params.model_copy(update={"jsonl": params.jsonl * 2})
    with pytest.raises(UserError, match="two rows have the id 'a'"):
        collect(twice, tmp_path / "d.jsonl")


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("validation/aimo_amc.jsonl", 83),
        ("validation/aimo_aime.jsonl", 90),
        ("validation/aimo_math_level_4.jsonl", 754),
        ("validation/aimo_math_level_5.jsonl", 721),
        ("train/gsm8k_train.jsonl.gz", 7473),
        ("train/math_train.jsonl.gz", 7500),
        ("train/tora_corpus_examples.jsonl", 30),
        ("exams/gaokao_math_zh.jsonl.gz", 844),
    ],
)
def test_the_real_files_are_read_whole(file, rows):
    if not SHARED.exists():
        pytest.skip("the shared data are not on this machine")
    assert len(read_source(SHARED / file)) == rows
