"""Collecting, cleaning, and the two kinds of samples."""

import asyncio
import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from numina.corpus.collect import collect
from numina.corpus.cot import cot_samples, realign
from numina.corpus.dedup import clean
from numina.corpus.tora import tir_samples
from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import read_problems, write_rows
from numina.settings.data import TirData
from numina.sources.catalog import training_problems
from numina.sources.family import Step
from numina.sources.sample import sample_file
from tests.conftest import SANDBOX, SANDBOX_HARDWARE, changed_params

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
RULES = changed_params({"dedup.ngram": 6}).dedup


def problem(name: str, text: str, **fields: str) -> Problem:
    return Problem(name, text, fields.pop("answer", "1"), "test", **fields)


def tir(**changes: Any) -> TirData:
    return changed_params({f"tir_data.{knob}": value for knob, value in changes.items()}).tir_data


def test_leaks_and_duplicates_are_removed_with_the_rule_that_did_it():
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    rows = [
        problem("keep", "How many primes lie between 10 and 50 in total, please?"),
        problem("again", "How many primes lie between 10 and 50, in total please!"),
        problem("other numbers", "How many primes lie between 20 and 90 in total, please?"),
        problem("long", long),
        problem("nearly", long + " fifteen"),
        problem("leak", "Well then: what is the sum of all the odd digits of 99?"),
    ]
    validation = [problem("v", "What is the sum of all the odd digits?")]
    kept, removed = clean(rows, validation, RULES)
    assert [row.id for row in kept] == ["keep", "other numbers", "long"]
    assert {row.id: (row.rule, row.met.split(":")[0]) for row in removed} == {
        "again": ("duplicate", "keep"),
        "nearly": ("near_duplicate", "long"),
        "leak": ("leak", "v"),
    }


def test_a_short_problem_leaks_when_it_is_the_same():
    kept, removed = clean([problem("a", "What is 2+2?")], [problem("v", "what is $2+2$")], RULES)
    assert not kept
    assert removed[0].rule == "leak"


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
    assert [row.id for row in cot_samples(rows, 9, 1)] == ["ok"]


def test_wrong_solutions_are_dropped_and_tried_again_in_rounds():
    drawn = training_problems(42, 3)
    teacher = {row.id: list(draw.steps) for row, draw in drawn}
    rows = [row for row, _ in drawn]
    params = tir(max_rows=24, wrong_share=0.5)
    samples, rounds, layers = asyncio.run(
        tir_samples(rows, teacher, params, SANDBOX, SANDBOX_HARDWARE)
    )
    assert layers["resource_limits"]
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
    samples, rounds, _ = asyncio.run(tir_samples([row], failing, params, SANDBOX, SANDBOX_HARDWARE))
    assert samples == []
    assert [(r.attempts, r.failed) for r in rounds] == [(1, 1), (1, 1)]


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
    ("line", "reason"),
    [
        ('{"id": "a"', "line 3: not JSON"),
        ("[1]", "line 3: list, not an object"),
        ('{"id": "a", "problem": "x"}', "line 3: field 'answer' must be text, got None"),
        ('{"id": "a", "problem": " ", "answer": "1"}', "line 3: field 'problem' is empty"),
        (
            '{"id": "first", "problem": "x", "answer": "1"}',
            "'id': 'first' is already in line 1",
        ),
        ('{"id": "a", "problem": "x", "answer": 1}', "field 'answer' must be text, got 1"),
    ],
)
def test_a_broken_row_is_named_with_its_file_and_place(tmp_path, line, reason):
    file = tmp_path / "rows.jsonl"
    first = '{"id": "first", "problem": "x", "answer": "1"}'
    file.write_text(f"{first}\n\n{line}\n")  # the blank line is counted
    with pytest.raises(UserError, match=reason) as error:
        sample_file(file, 0, 1)
    assert str(file) in str(error.value)


def test_a_truncated_gzip_file_is_named(tmp_path):
    file = tmp_path / "rows.jsonl.gz"
    whole = gzip.compress(json.dumps({"id": "a", "problem": "x", "answer": "1"}).encode() * 99)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError):
        sample_file(file, 0, 1)


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("validation/aimo_amc.jsonl", 83),
        ("validation/aimo_aime.jsonl", 90),
        ("validation/aimo_math_level_4.jsonl", 754),
        ("validation/aimo_math_level_5.jsonl", 721),
        ("train/gsm8k_train.jsonl.gz", 7473),
    ],
)
def test_the_real_files_are_read_whole(file, rows):
    if not SHARED.exists():
        pytest.skip("the shared data are not on this machine")
    assert len(read_problems(SHARED / file)) == rows
