"""The answer rule of each split, as the stage `validation_sets` wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from numina.errors import UserError
from numina.rows import read_object
from numina.settings.splits import AnswerRule


def read_rules(file: Path, splits: Iterable[str]) -> dict[str, AnswerRule]:
    """Read the rules of some splits, by name.

    Raises:
        UserError: the file is missing or damaged, or has no rule for a split.
    """
    found = read_object(file, *splits)
    try:
        return {name: AnswerRule.model_validate(found[name]) for name in splits}
    except ValidationError as error:
        raise UserError(f"{file}: not an answer rule: {error.errors()[0]['msg']}") from None
