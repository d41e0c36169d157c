"""Validation splits: embedded ones from the families, real ones from local files."""

from __future__ import annotations

import random
from pathlib import Path

from numina.answer.equal import as_integer
from numina.corpus.catalog import validation_problems
from numina.records import Problem, read_problems
from numina.settings import EmbeddedSplit, FileSplit, UserError, ValidationSets


def build_split(name: str, params: ValidationSets) -> list[Problem]:
    """The problems of one split.

    Raises:
        UserError: its file is missing or wrong, is shorter than asked, or holds an answer that is
            no integer.
    """
    split: EmbeddedSplit | FileSplit = getattr(params, name)
    if isinstance(split, EmbeddedSplit):
        return validation_problems(params.seed, split.min_level, split.max_level, split.count)
    problems = sample_file(Path(split.path), split.count, params.seed)
    for problem in problems:
        if as_integer(problem.answer) is None:
            raise UserError(
                f"{split.path}: id {problem.id}: answer {problem.answer!r} is no integer"
            )
    return problems


def sample_file(path: Path, count: int, seed: int) -> list[Problem]:
    """`count` problems of a JSONL file by seed, in the order of their ids; with 0, all of them.

    Raises:
        UserError: the file is missing, wrong, or shorter than asked.
    """
    try:
        problems = sorted(read_problems(path), key=lambda problem: problem.id)
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except (ValueError, OSError, EOFError) as error:
        raise UserError(str(error)) from None
    if count > len(problems):
        raise UserError(f"{path}: asked for {count} problems, has {len(problems)}")
    if count:
        problems = random.Random(seed).sample(problems, count)
    return sorted(problems, key=lambda problem: problem.id)
