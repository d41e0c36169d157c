"""A problem, as every stage knows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with its worked solution where there is one.

    Attributes:
        id: unique in its file.
        problem: the statement, in English with LaTeX.
        answer: the final answer as text; "" where it is not known.
        source: where it comes from: a family's name, a file, a hub data set.
        solution: a worked chain of thought that ends in ``\\boxed{answer}``, or "".
        subject: algebra, number_theory, counting, geometry, sequences, or the source's own word.
        level: difficulty from 1 to 5; 0 where it is not known.
        contest: the paper it was set in, such as ``AIME II 2023``; "" where there is none.
        unsound: why `answer` is known to be wrong, where a published set holds it so; "" elsewhere.
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
