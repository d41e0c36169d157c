"""GSM8K's calculator annotations as programs."""

import asyncio

import pytest

from numina.corpus.calculator import program_of
from numina.corpus.teachers.annotations import AnnotationsTeacher
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.sandbox.pool import SandboxPool
from tests.conftest import SANDBOX, SANDBOX_HARDWARE, SHARED, read_source


@pytest.mark.parametrize(
    ("solution", "answer", "program"),
    [
        (
            "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n"
            "Natalia sold 48+24 = <<48+24=72>>72 clips altogether.\n#### 72",
            "72",
            "# Natalia sold clips in May\na = 48 / 2\n"
            "# Natalia sold clips altogether\nb = 48 + a\nprint(round(b))",
        ),
        # A result that the text states before its step is not in the comment.
        (
            "He eats 32 slices because 2 x 16 = <<2*16=32>>32\n#### 32",
            "32",
            "# He eats slices\na = 2 * 16\nprint(a)",
        ),
        # What the answer does not depend on is left out.
        ("<<2+3=5>>5\nSo 4*3=<<4*3=12>>12 apples\n#### 12", "12", "# apples\na = 4 * 3\nprint(a)"),
        # A step without an annotation, with units.
        (
            "He has 20 minutes * 3 = 60 minutes.\nThen 60+7=<<60+7=67>>67.",
            "67",
            "# He has minutes\na = 20 * 3\n# Then\nb = a + 7\nprint(b)",
        ),
        # Thousands, zeros behind the point, a point in front, a sign in front.
        ("$1,000-$50 = $<<1000-50=950.00>>950.00", "950", "a = 1000 - 50\nprint(a)"),
        ("<<18*.5=9.00>>9.00", "9", "a = 18 * 0.5\nprint(round(a))"),
        ("<<+30+11=41>>41", "41", "a = +30 + 11\nprint(a)"),
        # Results are rounded as the solution does it.
        (
            "<<10/3=3.33>>3.33\n<<3.33*3=9.99>>9.99",
            "9.99",
            "a = round(10 / 3, 2)\nb = a * 3\nprint(round(b, 2))",
        ),
        ("<<10/3=3>>3 whole boxes", "3", "# whole boxes\na = round(10 / 3)\nprint(a)"),
        ("<<11/3=3>>3 whole boxes", "3", "# whole boxes\na = int(11 / 3)\nprint(a)"),
        ("<<5/2=2.5>>2.5", "2.5", "a = 5 / 2\nprint(round(a, 1))"),
        # The answer is not among the results, there are none, or a result is wrong.
        ("<<2+3=5>>5", "6", None),
        ("So it is <<7=7>>7.", "7", None),
        ("", "7", None),
        ("<<2+3=7>>7", "7", None),
        ("<<2/0=0>>0", "0", None),
        ("<<2+3=5>>5", "five", None),
        # A number that was computed nowhere.
        ("Thus 847 - 121 = <<847-121=726>>726", "726", None),
        # Nothing but arithmetic is read.
        ("<<__import__('os').getpid()=5>>5", "5", None),
        ("<<2**9**9**9=5>>5", "5", None),
    ],
)
def test_annotations_become_a_program(solution, answer, program):
    problem = "A problem with 48, 16, 20, 1,000, $30, 11, 18 and 50."
    assert program_of(solution, problem, answer) == program


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        ("He has bags of 20.", "c = a * 5"),
        ("He has bags of 20, and 40 of others.", "c = 40 * 5"),  # the result 40 is used already
    ],
)
def test_a_number_of_the_problem_stands_for_an_equal_result_once(problem, line):
    solution = "<<20*2=40>>40\n<<40+7=47>>47\n<<40*5=200>>200\n<<200+47=247>>247"
    program = program_of(solution, problem, "247")
    assert program is not None
    assert line in program.splitlines()


def test_every_program_of_gsm8k_runs_and_prints_the_answer():
    if not SHARED.exists():
        pytest.skip("the shared data are not on this machine")
    rows = read_source(SHARED / "train/gsm8k_train.jsonl.gz")

    async def taught(rows: list[Problem]) -> list[Attempt | None]:
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            teacher = AnnotationsTeacher(pool)
            known = [row for row in rows if teacher.knows(row)]
            return await asyncio.gather(*[teacher.attempt(row, 0) for row in known])

    attempts = asyncio.run(taught(rows))
    assert len(attempts) >= 0.9 * len(rows)
    wrong = [one for one in attempts if one is None or one.verdict != "right"]
    assert wrong == []
