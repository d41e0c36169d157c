"""Choose the rows that a quantiser calibrates on, and those on which its cost is measured."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import picked
from numina.settings.models import Quantize
from numina.template import Template, encode, end_token, tokens_of

LEAST = 11  # tokens: gptqmodel drops shorter rows without an error
MEASURED = 16  # rows on which the models are compared, if there are that many
PROMPTS = 4  # of these rows, whose problems both models continue
NEW_TOKENS = 32  # of each continuation

Encoded = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded rows of training text.

    Attributes:
        calibration: what the quantiser sees.
        measured: other rows; the model was trained on them, the quantiser does not see them.
        prompts: token ids of the problems of some measured rows, for greedy completions.
        end: the token that ends a solution.
        left_out: rows that are too short for gptqmodel, or longer than the model's positions.
    """

    calibration: list[Encoded]
    measured: list[Encoded]
    prompts: list[list[int]]
    end: int
    left_out: int


def choose_rows(
    problems: Sequence[Problem],
    tokenizer: Any,
    template: Template,
    params: Quantize,
    positions: int | None,
) -> Rows:
    """Draw rows by seed. At least one of two rows, and a quarter of few, are left for measuring.

    Args:
        problems: solved problems; their text is the training text, token for token.
        positions: the most tokens that the model can take; None if it does not say.

    Raises:
        UserError: fewer than two rows can be used.
    """
    if not problems:
        raise UserError("quantize: no calibration rows")
    shuffled = random.Random(params.seed).sample(range(len(problems)), len(problems))
    usable, enough = 0, params.rows + MEASURED
    held: list[tuple[Problem, Encoded]] = []
    for problem in picked(problems, shuffled):
        row = encode(tokenizer, template, problem.problem, problem.solution)
        if LEAST <= len(row["input_ids"]) <= (positions or len(row["input_ids"])):
            usable += 1
            if len(held) < enough:
                held.append((problem, row))
    if usable < 2:
        raise UserError(
            f"quantize: {usable} of {len(problems)} calibration rows have {LEAST} tokens or "
            f"more and fit into the model's {positions} positions; at least 2 are needed"
        )
    kept_back = min(MEASURED, max(1, usable // 4))
    count = min(params.rows, usable - kept_back)
    measured = held[count : count + MEASURED]
    asked = [
        tokens_of(tokenizer, template.render(problem.problem))[0]
        for problem, _ in measured[:PROMPTS]
    ]
    return Rows(
        calibration=[row for _, row in held[:count]],
        measured=[row for _, row in measured],
        prompts=[ids for ids in asked if not positions or len(ids) + NEW_TOKENS <= positions],
        end=end_token(tokenizer),
        left_out=len(problems) - usable,
    )
