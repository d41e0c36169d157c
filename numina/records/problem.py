"""The record of a problem, used by every stage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, with its worked solution if there is one.

    Attributes:
        id: unique in its file.
        problem: the statement, in English with LaTeX.
        answer: the final answer as text; "" if unknown.
        source: where it comes from: a family's name, a file, a hub data set.
        solution: a worked chain of thought that ends in ``\\boxed{answer}``, or "".
        subject: algebra, number_theory, counting, geometry, sequences, or the source's own word.
        level: difficulty from 1 to 5; 0 if unknown.
        contest: the exam that it is from, such as ``AIME II 2023``; "" if none.
        unsound: why the published `answer` is known to be wrong; "" if it is not.
        tools: a ready-made tool-integrated solution, with its programs and their outputs, or "".
        subsource: where the source has it from, in the source's own word, such as ``olympiads``.
        revision: the commit of a hub data set; "" for other sources.
        licence: of the source, as an SPDX identifier where there is one.
        url: of this problem, where the source gives it.
        page: of the document, where the source gives it.
    """

    id: str
    problem: str
    answer: str
    source: str
    solution: str = ""
    subject: str = ""
    level: int = 0
    contest: str = ""
    unsound: str = ""
    tools: str = ""
    subsource: str = ""
    revision: str = ""
    licence: str = ""
    url: str = ""
    page: str = ""
