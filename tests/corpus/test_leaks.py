"""Leaks of validation problems, by our rule and by the winners'."""

import pytest

from numina.bench import leaks as bench
from numina.corpus.dedup import clean
from numina.corpus.parts import parts
from numina.corpus.wording import read
from numina.records.problem import Problem
from numina.rows import read_lines, read_problems
from tests.conftest import SHARED, changed_params

OURS = changed_params().dedup
NGRAM = changed_params({"dedup.leaks": "ngram", "dedup.ngram": 6}).dedup
PAIRS = bench.read_pairs(bench.OWN)
TESTS = [pair.test for pair in PAIRS]


def problem(name: str, text: str, answer: str = "1") -> Problem:
    return Problem(name, text, answer, "test")


@pytest.fixture(scope="module")
def rule() -> bench.LeakRule:
    return bench.rules(TESTS, OURS.coverage)["ours"]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.kind}, {pair.train.id}")
def test_a_leak_is_the_same_problem_and_not_one_that_shares_words(rule, pair):
    removal = rule.find(pair.train, read(pair.train.problem))
    assert (removal is not None) == pair.same
    if removal:
        assert (removal.rule, removal.partner) == ("leak", pair.test.id)
        assert removal.row == pair.train
        assert OURS.coverage <= removal.score <= 1


def test_the_same_statement_is_a_leak_whatever_its_answer():
    row, known = problem("a", "What is $2+2$?", "5"), problem("v", "what is 2 + 2", "4")
    assert [removal.score for removal in clean([row], [known], OURS)[1]] == [1.0]


def test_a_verdict_does_not_depend_on_the_other_rows():
    rows = [pair.train for pair in PAIRS]
    alone = {row.id for row in rows if clean([row], TESTS, OURS)[1]}
    together = {removal.row.id for removal in clean(rows, TESTS, OURS)[1]}
    assert alone == together == {pair.train.id for pair in PAIRS if pair.same}


def test_the_winners_rule_removes_what_shares_one_ngram():
    rows = [
        problem("leak", "Well then: what is the sum of all the odd digits of 99?"),
        problem("kept", "Well then: what is the sum of the odd digits of 99?"),
        problem("short", "Why is $2+2$?"),
    ]
    known = [problem("v", "What is the sum of all the odd digits?"), problem("w", "Why is 2 + 2")]
    kept, removed = clean(rows, known, NGRAM)
    assert [row.id for row in kept] == ["kept"]
    assert [(removal.row.id, removal.partner) for removal in removed] == [
        ("leak", "v"),
        ("short", "w"),
    ]
    assert 0 < removed[0].score < 1


DRAWN = "[asy]\ndraw((0,0)--(1,1));\n[/asy]"


@pytest.mark.parametrize("text", ["?", "$$", DRAWN, "(A) 1 (B) 2 (C) 3"])
def test_a_statement_without_words_is_compared_too(text):
    kept, _ = clean([problem("a", text)], [problem("v", DRAWN), problem("w", "What is 2?")], OURS)
    assert len(kept) == (text != DRAWN)


def test_figures_and_options_are_told_apart_from_the_prose():
    text = "Is $x<3$ there? [asy] draw((0,0)--(7,8)); [/asy] $\\textbf{(A) }4$ (B) 5 (C) 6"
    found = parts(text, read(text))
    assert found.symbols == ("<", "3")
    assert {"7", "8"} <= set(found.figure)
    assert {"4", "5", "6"} <= set(found.options)


def test_the_labelled_leaks_of_math_are_found_among_few_removals():
    if not SHARED.exists():
        pytest.skip("the shared data are not on this machine")
    rows = read_problems(SHARED / "train/math_train.jsonl.gz")
    known = read_problems(SHARED / "validation/math_test.jsonl.gz")
    leaks = bench.rules(known, OURS.coverage)["ours"]
    found = {row.id for row in rows if leaks.find(row, read(row.problem))}
    labels = [row for _, row in read_lines(SHARED / "train/math_leaks.jsonl")]
    assert {row["train"] for row in labels if row["same"]} <= found
    assert not {row["train"] for row in labels if not row["same"]} & found
    assert len(found) <= 100


def test_the_benchmark_counts_by_rule_and_on_files(tmp_path):
    from numina.rows import write_rows

    write_rows(tmp_path / "train.jsonl", [pair.train for pair in PAIRS])
    write_rows(tmp_path / "test.jsonl", TESTS)
    labels = [{"train": p.train.id, "test": p.test.id, "same": p.same} for p in PAIRS]
    write_rows(tmp_path / "labels.jsonl", labels)
    train, test, label = (tmp_path / f"{name}.jsonl" for name in ("train", "test", "labels"))
    found = bench.bench(OURS.coverage, [train], [test], label)
    ours, winners = found["files, ours"], found["files, 10-grams"]
    assert ours["removed"] == sum(pair.same for pair in PAIRS)
    assert (ours["precision"], ours["recall"]) == (1, 1)
    assert winners["precision"] < 0.6
    assert found["own pairs, ours"]["recall"] == 1
