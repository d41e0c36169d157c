"""What rules cannot do to a solution is asked of a teacher: translate it, realign it.

Every reply is checked: it has the form that the prompt asks for, is in English, has lost no
formula, number or option, and its box equals the answer. One that fails is asked for once more,
with the reason; then the row is left out.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from numina.answer.find import last_box
from numina.corpus.language import foreign, not_english
from numina.corpus.realign import Objection, finished, short, with_answer
from numina.corpus.rewriting.surviving import added, lost, plain_marks, stands_in
from numina.corpus.soundness import is_missing
from numina.records.problem import Problem

PROMPTS = Path(__file__).parent
ATTEMPTS = 2
# What exams print before a statement: its number and its points.
NUMBERING = re.compile(
    r"\A\s*(?:\d{1,3}\s*[.\uff0e\u3001]\s*)?(?:[(\uff08]\s*(?:本小题)?(?:满分)?\s*\d+\s*分\s*[)\uff09]\s*)?"
)
WORKED = re.compile(r"\A\W*(?:解|证|分析|详解)|\A\s*【|\n\s*\n")
LONGEST_ANSWER = 200  # characters; a longer one is a worked solution


class Teacher(Protocol):
    """A model that is asked for texts."""

    async def ask(self, prompt: str, sample: int) -> str:
        """Its reply to a prompt.

        Args:
            prompt: what it is asked.
            sample: which of several replies to the same prompt.

        Raises:
            CompletionFailed: there is no reply to this prompt.
            UserError: there will be none to any, as no server answers or the budget is spent.
        """
        ...


async def translated(row: Problem, teacher: Teacher) -> Problem | Objection:
    """A row in English, realigned; or why there is none (``not_translated``)."""
    given = dataclasses.replace(row, problem=NUMBERING.sub("", row.problem, count=1))
    prompt = filled("translate", given)
    return await asked(teacher, prompt, "not_translated", lambda reply: in_english(given, reply))


async def realigned(row: Problem, teacher: Teacher) -> Problem | Objection:
    """A row with its steps in order; or why there is none (``not_realigned``)."""
    prompt = filled("realign", row)
    return await asked(teacher, prompt, "not_realigned", lambda reply: in_order(row, reply))


async def asked(
    teacher: Teacher, prompt: str, rule: str, read: Callable[[str], Problem | str]
) -> Problem | Objection:
    """The first reply that `read` makes a row of; it returns what is wrong with another."""
    from numina.engine.protocol import CompletionFailed

    wrong = ""
    for sample in range(ATTEMPTS):
        complaint = f"\nAn earlier reply was refused because it {wrong}." if wrong else ""
        try:
            reply = await teacher.ask(prompt + complaint, sample)
        except CompletionFailed as error:
            wrong = f"did not come ({error})"
            continue
        made = read(reply)
        if isinstance(made, Problem):
            return made
        wrong = made
    return Objection(rule, f"the teacher's last reply {wrong}")


def in_english(row: Problem, reply: str) -> Problem | str:
    """The row that a translation makes; or what is wrong with it."""
    problem, solution, answer = (section(reply, n) for n in ("problem", "solution", "answer"))
    if not problem or not solution:
        return "lacks the section " + ("solution" if problem else "problem")
    for before, after in ((row.problem, problem), (row.solution, solution)):
        if wrong := not_english(after) or lost(before, after):
            return wrong
    if wrong := added(row.problem, problem):
        return wrong
    if row.answer and not foreign(row.answer):
        answer = row.answer
    elif row.answer:
        if wrong := not_english(answer) or lost(row.answer, answer):
            return f"{wrong} in the answer"
    else:
        answer = last_box(solution) or answer
        if is_missing(answer):
            return "states no final answer"
        if not stands_in(answer, row.solution):
            return f"gives an answer that the original does not state, {short(answer)}"
    made = dataclasses.replace(row, problem=problem, solution=solution, answer=answer)
    return by_the_grader(made)


def in_order(row: Problem, reply: str) -> Problem | str:
    """The row that a realigned solution makes; or what is wrong with it."""
    solution = section(reply, "solution")
    if not solution:
        return "lacks the section solution"
    if wrong := not_english(solution) or added(f"{row.problem}\n{row.solution}", solution):
        return wrong
    return by_the_grader(dataclasses.replace(row, solution=solution))


def by_the_grader(row: Problem) -> Problem | str:
    """A rewritten row, realigned; or how its answer differs."""
    made = finished(row)
    return made if isinstance(made, Problem) else f"has another answer: {made.reason}"


def unfolded(row: Problem) -> Problem:
    """A row whose answer is the answer alone: exams give a worked solution there, and in the place
    of the solution how to go about it."""
    if last_box(row.solution) is not None or not is_worked(row.answer):
        return row
    whole = dataclasses.replace(row, solution=row.answer, answer="")
    return with_answer(whole)


def is_worked(answer: str) -> bool:
    """Whether an answer is a worked solution."""
    return len(answer) > LONGEST_ANSWER or WORKED.search(answer) is not None


def section(reply: str, name: str) -> str:
    """What a reply says in a section, its last of that name; "" if it is missing."""
    found = re.findall(rf"<{name}>(.*?)</{name}>", reply.rsplit("</think>", 1)[-1], re.S)
    return plain_marks(found[-1]).strip() if found else ""


def filled(prompt: str, row: Problem) -> str:
    """A prompt's file with the fields of a row."""
    text = (PROMPTS / f"{prompt}.txt").read_text(encoding="utf-8")
    fields = {"problem": row.problem, "solution": row.solution, "answer": row.answer}
    return re.sub(r"\[\[(\w+)\]\]", lambda match: fields[match[1]], text)
