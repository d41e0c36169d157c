"""Bring every source into one table: the families, local files, and digitized exams."""

from __future__ import annotations

from pathlib import Path

from numina.errors import UserError
from numina.local import from_root
from numina.records.problem import Problem
from numina.rows import read_problems
from numina.settings.data import Collect
from numina.sources.catalog import training_problems
from numina.sources.family import Step
from numina.sources.sample import sample_file


def collect(params: Collect, digitized: Path) -> tuple[list[Problem], dict[str, list[Step]]]:
    """All rows, and the steps that the embedded teacher knows, by problem id.

    Raises:
        UserError: a file is missing or wrong, or two rows have one id.
    """
    drawn = training_problems(params.seed, params.per_family)
    problems = [problem for problem, _ in drawn]
    for source in params.jsonl:
        problems += sample_file(from_root(source.path), source.count, params.seed)
    problems += read_problems(digitized)
    seen: set[str] = set()
    for problem in problems:
        if problem.id in seen:
            raise UserError(f"collect: two rows have the id {problem.id!r} ({problem.source})")
        seen.add(problem.id)
    return problems, {problem.id: list(draw.steps) for problem, draw in drawn}
