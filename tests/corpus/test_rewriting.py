"""What a teacher translates and puts in order, and what of its replies is refused."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from numina.answer.equal import equal
from numina.answer.find import last_box
from numina.corpus.cot import cot_samples
from numina.corpus.language import not_english
from numina.corpus.rewriting.surviving import added, lost
from numina.corpus.sifted import Sifted
from numina.engine.protocol import CompletionFailed
from numina.errors import UserError
from numina.records.dropped import Removal
from numina.records.problem import Problem

ROW = Problem(
    "zh",
    "1. （5分）求 $x^2+y^2=25$ 与 $x+y=7$ 的交点个数。",
    "$2$",
    "exam",
    solution="解：由 $y=7-x$ 得 $2x^2-14x+24=0$，故 $x=3$ 或 $x=4$，共 2 个交点。",
)
ENGLISH = """<problem>
Find how many points $x^2+y^2=25$ and $x+y=7$ have in common.
</problem>
<solution>
From $y=7-x$ we get $2x^2-14x+24=0$, so $x=3$ or $x=4$, which are 2 points.
The answer is $\\boxed{2}$.
</solution>
<answer>
2
</answer>"""
CHOICE = Problem(
    "choice",
    "复数 $z=(1+i)^2$ 的虚部为（ ）\nA. $0$\nB. $1$\nC. $2$\nD. $-2$",
    "C",
    "exam",
    solution="$z=1+2i-1=2i$，虚部为 $2$。故选：C.",
)
IN_ENGLISH = """<problem>
The imaginary part of the number $z=(1+i)^2$ is ( )
A. $0$
B. $1$
C. $2$
D. $-2$
</problem>
<solution>
$z=1+2i-1=2i$, and the imaginary part of this is $2$. So the answer is C.
</solution>
<answer>
C
</answer>"""
WORKED = Problem(  # as exams have it: the answer is worked out, the solution says how
    "worked",
    "（12分）已知 $a_1=1$, $a_{n+1}=2a_n+1$, 求 $a_5$.",
    "解：$a_2=3$，\n\n$a_3=7$，$a_4=15$，故 $a_5=31$.",
    "exam",
    solution="逐项计算即可。",
)
WORKED_REPLY = """<problem>
It is known that $a_1=1$ and $a_{n+1}=2a_n+1$. Find $a_5$.
</problem>
<solution>
We find $a_2=3$, $a_3=7$, $a_4=15$, and so $a_5=31$.
The answer is $\\boxed{31}$.
</solution>
<answer>
31
</answer>"""


class Replies:
    """A teacher whose replies to the two attempts at each row are given."""

    def __init__(self, *replies: str | Exception | Mapping[str, str]) -> None:
        self.replies, self.prompts = replies, []

    async def ask(self, prompt: str, sample: int) -> str:
        self.prompts.append(prompt)
        reply = self.replies[min(sample, len(self.replies) - 1)]
        if isinstance(reply, Mapping):
            reply = next(text for sign, text in reply.items() if sign in prompt)
        if isinstance(reply, Exception):
            raise reply
        return reply


def taught(teacher: Replies, *rows: Problem) -> tuple[list[Problem], list[Removal]]:
    """The samples, and the rows left out."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Replies]:
        yield teacher

    samples: list[Problem] = []
    left_out: list[Removal] = []
    cot_samples(list(rows), 9, 1, Sifted(samples.append, left_out.append), opened())
    return samples, left_out


@pytest.mark.parametrize(
    ("row", "reply", "answer"),
    [(ROW, ENGLISH, "$2$"), (CHOICE, IN_ENGLISH, "C"), (WORKED, WORKED_REPLY, "31")],
)
def test_a_chinese_row_comes_out_in_english_with_its_answer_in_a_box(row, reply, answer):
    teacher = Replies(reply)
    ((made,), left_out) = taught(teacher, row)
    assert not left_out
    assert len(teacher.prompts) == 1
    assert "分）" not in teacher.prompts[0].split("Here is the original.")[1]
    assert made.id == row.id
    assert made.answer == answer
    assert not not_english(f"{made.problem}\n{made.solution}")
    assert equal(last_box(made.solution) or "", answer).equal
    assert not lost(row.solution if row is not WORKED else row.answer, made.solution)


REFUSED = [
    ("I cannot help with that.", "lacks the section problem"),
    (ENGLISH.replace("<solution>", "<steps>"), "lacks the section solution"),
    (ENGLISH.replace("$2x^2-14x+24=0$", "a quadratic equation"), "lost the formula 2x^2-14x+24=0"),
    (ENGLISH.replace("y^2=25", "y^2=26"), "lost the formula x^2+y^2=25"),
    (ENGLISH.replace("how many points", "how many 交点"), "letters that are not English: 交点"),
    (
        ENGLISH.replace(
            "Find how many points", "Trouver combien de points les deux courbes"
        ).replace("have in common", "peuvent avoir en commun dans le plan"),
        "is in fr",
    ),
    (ENGLISH.replace("boxed{2}", "boxed{3}"), "has another answer: the solution states 3"),
    (ENGLISH.replace("Find how", "In the square of side 40 find how"), "made up the number 40"),
    (CompletionFailed("cut off"), "did not come (cut off)"),
]


@pytest.mark.parametrize(("reply", "reason"), REFUSED)
def test_a_bad_translation_is_asked_for_once_more_and_then_left_out_with_the_reason(reply, reason):
    teacher = Replies(reply)
    samples, (removal,) = taught(teacher, ROW)
    assert not samples
    assert len(teacher.prompts) == 2
    assert reason in teacher.prompts[1]
    assert removal.rule == "not_translated"
    assert reason in removal.reason
    assert removal.row == ROW  # whole, as it was


@pytest.mark.parametrize("reply", [reply for reply, _ in REFUSED])
def test_a_second_reply_that_is_right_is_taken(reply):
    samples, left_out = taught(Replies(reply, ENGLISH), ROW)
    assert [row.id for row in samples] == ["zh"]
    assert not left_out


def test_a_lost_option_is_refused():
    _, (removal,) = taught(Replies(IN_ENGLISH.replace("B. $1$\n", "$1$\n")), CHOICE)
    assert "lost the option B" in removal.reason


def test_an_answer_that_the_original_does_not_state_is_refused():
    _, (removal,) = taught(Replies(WORKED_REPLY.replace("31", "63")), WORKED)
    assert "63" in removal.reason or "lost the formula a_5=31" in removal.reason
    reply = WORKED_REPLY.replace("boxed{31}", "boxed{63}").replace("\n31\n", "\n63\n")
    _, (removal,) = taught(Replies(reply), WORKED)
    assert "an answer that the original does not state, 63" in removal.reason
    reply = WORKED_REPLY.replace("The answer is $\\boxed{31}$.\n", "").replace("\n31\n", "\nnone\n")
    _, (removal,) = taught(Replies(reply), WORKED)
    assert "states no final answer" in removal.reason


def test_an_answer_of_several_parts_is_taken_from_the_box():
    row = replace(
        WORKED,
        problem="已知抛物线 $y^2=2px$ 过点 $(1,2)$.\n(1) 求 $p$;\n(2) 求焦点.",
        answer="(1) 解：由 $4=2p$ 得 $p=2$.\n\n(2) 焦点为 $(1,0)$.",
    )
    reply = """<problem>
The parabola $y^2=2px$ passes through the point $(1,2)$.
(1) Find $p$;
(2) find its focus.
</problem>
<solution>
(1) From $4=2p$ we get $p=2$.
(2) The focus is $(1,0)$.
The answer is $\\boxed{(1)\\ p=2;\\ (2)\\ (1,0)}$.
</solution>
<answer>
$p=2$ and $(1,0)$
</answer>"""
    ((made,), _) = taught(Replies(reply), row)
    assert made.answer == "(1)\\ p=2;\\ (2)\\ (1,0)"
    _, (removal,) = taught(Replies(reply.replace("(2)\\ (1,0)", "(2)\\ (3,0)")), row)
    assert "does not state" in removal.reason


def test_one_bad_reply_costs_its_row_only_and_the_order_stays():
    rows = [
        Problem(f"r{n}", f"{ROW.problem}{n}", "$2$", "exam", solution=ROW.solution)
        for n in range(6)
    ]
    by_row = {f"个数。{n}": ENGLISH.replace("common.", f"common{n}.") for n in (0, 1, 2, 4, 5)}
    good, left_out = taught(Replies({**by_row, "个数。3": "no"}), *rows)
    again, _ = taught(Replies({**by_row, "个数。3": "no"}), *rows)
    assert {row.id for row in good} == {"r0", "r1", "r2", "r4", "r5"}
    assert good == again
    assert [removal.row.id for removal in left_out] == ["r3"]


def test_a_row_whose_own_solution_has_another_answer_is_not_paid_for():
    teacher = Replies(ENGLISH)
    row = Problem("a", CHOICE.problem, "B", "exam", solution=CHOICE.solution)
    _, (removal,) = taught(teacher, row)
    assert removal.rule == "answer_differs"
    assert not teacher.prompts


def test_no_teacher_left_ends_the_stage():
    with pytest.raises(UserError, match="the budget is spent"):
        taught(Replies(UserError("the budget is spent")), ROW, CHOICE)


def test_a_solution_that_states_no_answer_is_realigned_by_the_teacher():
    row = Problem("en", "How many?", "12", "t", solution="Multiply $3$ by $4$.")
    reply = (
        "<solution>\nThe product of $3$ and $4$ is $12$.\nThe answer is $\\boxed{12}$.\n</solution>"
    )
    (made,), _ = taught(Replies(reply), row)
    assert made.solution.endswith("The answer is $\\boxed{12}$.")
    _, (removal,) = taught(Replies(reply.replace("boxed{12}", "boxed{7}")), row)
    assert removal.rule == "not_realigned"
    assert "has another answer" in removal.reason


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ("$x\\leqslant 2$", "$x \\le 2$", ""),
        ("$\\left(a\\right)$，$b$", "\\((a)\\), $b$", ""),
        ("$\\{x \\mid x<-2$ 或 $x>4\\}$", "$\\{x \\mid x<-2 \\text{ or } x>4\\}$", ""),
        ("共 1,234 个", "1234 in all", ""),
        ("$3\\sqrt{2}$", "$13\\sqrt{2}$", "lost the formula 3\\sqrt2"),
        ("有 17 个", "some", "lost the number 17"),
        ("$\\mathrm{A}$ 点", "the point $A$", ""),
        ("A. $1$\nB．$2$", "A. $1$\nB. $2$", ""),
    ],
)
def test_formulas_survive_another_spelling_and_no_other(before, after, gone):
    assert lost(before, after) == gone


def test_small_numbers_may_come_from_words():
    assert added("第三象限的 5 个点", "the 5 points of the 3rd quadrant") == ""
    assert added("5 个点", "5 of 40 points") == "made up the number 40"
