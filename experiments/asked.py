"""The prompts of some validation problems, for measurements of speed."""

from __future__ import annotations

from pathlib import Path

from numina.rows import read_splits
from numina.template import Template


def prompts(validation: Path, count: int, template: Template) -> list[str]:
    """Prompts of `count` problems, spread evenly over all splits; of all, if there are fewer.

    Raises:
        UserError: the folder has no problems, or a file is damaged.
    """
    problems = [problem for rows in read_splits(validation).values() for problem in rows]
    count = min(count, len(problems))
    kept = [problems[at * len(problems) // count] for at in range(count)]
    return [template.render(problem.problem) for problem in kept]
