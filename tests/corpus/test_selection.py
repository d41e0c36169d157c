"""Which attempts are trained on."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from numina.corpus.programs import canonical, only_checks
from numina.corpus.selection import select
from numina.corpus.sifted import Sifted
from numina.records.attempt import Attempt
from numina.records.dropped import Removal
from numina.records.problem import Problem
from tests.conftest import changed_params

FENCE = "```"


def traced(*blocks: str, said: str = "We count.", answer: str = "72") -> str:
    """A solution: programs and their outputs in turn."""
    kinds = ("python", "output")
    fenced = [f"{FENCE}{kinds[i % 2]}\n{block}\n{FENCE}\n" for i, block in enumerate(blocks)]
    return f"{said}\n{''.join(fenced)}So $\\boxed{{{answer}}}$."


def attempt(program: str, name: str = "p", **fields: Any) -> Attempt:
    given = {
        **{"problem_id": name, "part": 0, "round": 1, "sample": 0, "teacher": "t"},
        **{"text": traced(program, "72"), "answer": "72", "verdict": "right", "end": "answer"},
        "errors": [""],
    }
    return Attempt(**{**given, **fields})


def mended(name: str) -> Attempt:
    text = traced("print(a)", "NameError: name 'a' is not defined", "print(70 + 2)", "72")
    return attempt("", name, text=text, errors=["NameError", ""])


def choose(attempts: Sequence[Attempt], **knobs: Any) -> tuple[list[Problem], list[Removal]]:
    """The samples, and the attempts left out."""
    changes = {"recovery_share": 1, **knobs}
    params = changed_params({f"tir_select.{k}": v for k, v in changes.items()}).tir_select
    names = dict.fromkeys(one.problem_id for one in attempts)
    problems = [Problem(name, "What?", "72", "s", solution="A chain.") for name in names]
    samples: list[Problem] = []
    left_out: list[Removal] = []
    select(problems, attempts, params, Sifted(samples.append, left_out.append))
    assert len(samples) + len(left_out) == len(attempts)
    return samples, left_out


def rules(left_out: Sequence[Removal]) -> list[str]:
    return [removal.rule for removal in left_out]


def test_a_sample_is_its_problem_with_the_attempts_text():
    (sample,), left_out = choose([attempt("print(48 + 24)")])
    assert left_out == []
    assert sample == Problem("p", "What?", "72", "s", solution=traced("print(48 + 24)", "72"))


def test_wrong_and_failed_attempts_are_left_out_whole_with_their_errors():
    samples, left_out = choose(
        [
            attempt("print(48 + 25)", verdict="wrong"),
            attempt("print(x)", verdict="failed", errors=["NameError"], round=2, sample=1),
            attempt("print(48 + 24)", round=3, sample=2),
        ]
    )
    assert [sample.id for sample in samples] == ["p"]
    assert [(one.rule, one.reason, one.where) for one in left_out] == [
        ("wrong", "", "round 1, sample 0"),
        ("failed", "NameError", "round 2, sample 1"),
    ]
    assert left_out[0].row == Problem("p", "What?", "72", "s", traced("print(48 + 25)", "72"))


@pytest.mark.parametrize(
    "other",
    [
        "print(48 + 24)",
        "print( 48+24 )  # in all",
        "\nprint(48 + 24)\n\n",
    ],
)
def test_identical_programs_are_one_sample(other):
    samples, left_out = choose([attempt("print(48 + 24)"), attempt(other)], per_problem=4)
    assert len(samples) == 1
    assert rules(left_out) == ["same_program"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a = 48\nprint(a + 24)", "clips = 48\nprint(clips + 24)", True),
        (
            "def f(n):\n    return n\nprint(f(3))",
            'def g(m):\n    "It."\n    return m\nprint(g(3))',
            1,
        ),
        ("print('a')", 'print("a")', True),
        ("a, b = 1, 2\nprint(a - b)", "a, b = 1, 2\nprint(b - a)", False),
        ("print(len([1]))", "print(sum([1]))", False),
        ("print(1 +", "print(1  +", True),  # not Python
        ("print(1 +", "print(2 +", False),
    ],
)
def test_programs_are_the_same_but_for_their_own_names_and_spaces(one, other, same):
    assert (canonical([one]) == canonical([other])) == same


def test_the_most_different_samples_come_first_and_have_ids_of_their_own():
    loop = "total = 0\nfor i in range(2):\n    total += 36\nprint(total)"
    attempts = [attempt("print(48 + 24)"), attempt("print(47 + 25)"), attempt(loop)]
    samples, left_out = choose(attempts, per_problem=2)
    assert [(sample.id, sample.solution) for sample in samples] == [
        ("p", traced("print(48 + 24)", "72")),
        ("p#2", traced(loop, "72")),
    ]
    assert rules(left_out) == ["per_problem"]


@pytest.mark.parametrize(
    ("text", "checks"),
    [
        (traced("print(48 + 24)", "72"), False),
        (traced("x = 48\nprint(x * 2 - 24)", "72", said="The answer is the sum of both."), False),
        (traced("print(48 + 24)", "72", said="The answer is 72. We verify it."), True),
        (traced("print(48 + 24)", "72", said="So it is $\\boxed{72}$. We verify it."), True),
        (traced("print(48 + 24)", "72", said="Is the answer 71? The answer is 71."), False),
        (traced("print(48 + 24 == 72)", "True"), True),
        (traced("assert 48 + 24 == 72\nprint('Correct')", "Correct"), True),
        (traced("print(72)", "72"), True),
        (traced("answer = 72\nprint(f'{answer}')", "72"), True),
        (traced("print(sum([48, 24]))", "72"), False),
        (traced("print(7 > 3)", "True", answer="True"), True),
        (traced("print(is_prime(7))", "True", answer="True"), False),
        (traced("print(48 +", "SyntaxError: x", "print(48 + 24)", "72"), False),
        ("So $\\boxed{72}$.", True),
    ],
)
def test_programs_that_only_check_or_repeat_an_answer_are_recognised(text, checks):
    answer = text.rpartition("{")[2].partition("}")[0]
    assert only_checks(text, answer) == checks


def test_the_pass_rate_has_bounds_but_not_for_what_a_source_gave():
    def tried(name: str, right: int) -> list[Attempt]:
        verdicts = ["right"] * right + ["wrong"] * (4 - right)
        return [
            attempt(f"print(48 + 24 + {i} - {i})", name, verdict=verdict)
            for i, verdict in enumerate(verdicts)
        ]

    given = attempt("print(48 + 24)", "given", teacher="source")
    attempts = [*tried("hard", 1), *tried("half", 2), *tried("easy", 4), given]
    samples, left_out = choose(attempts, min_pass=0.5, max_pass=0.75)
    assert [sample.id for sample in samples] == ["half", "given"]
    assert sorted(set(rules(left_out))) == ["easy", "hard", "per_problem", "wrong"]


@pytest.mark.parametrize(("share", "kept"), [(0, 0), (0.25, 2), (0.5, 5), (1, 5)])
def test_mended_failures_are_at_most_a_share_of_the_samples(share, kept):
    attempts = [mended(f"m{i}") for i in range(5)]
    attempts += [attempt("print(48 + 24)", f"c{i}") for i in range(6)]
    samples, left_out = choose(attempts, recovery_share=share)
    assert [sample.id[0] for sample in samples].count("m") == kept
    assert rules(left_out) == ["recovery_share"] * (5 - kept)


def test_a_problem_whose_mended_sample_is_one_too_many_has_another():
    attempts = [mended("p"), attempt("print(48 + 24)", "p", sample=1)]
    samples, left_out = choose(attempts, recovery_share=0)
    assert [sample.solution for sample in samples] == [traced("print(48 + 24)", "72")]
    assert rules(left_out) == ["recovery_share"]


def test_the_share_holds_over_all_parts_and_problems_of_a_part_are_complete():
    attempts = [attempt("print(48 + 24)", f"c{i}") for i in range(3)]
    attempts += [dataclasses.replace(mended(f"m{i}"), part=1) for i in range(3)]
    samples, _ = choose(attempts, recovery_share=0.4)
    assert [sample.id for sample in samples] == ["c0", "c1", "c2", "m0", "m1"]
