"""Convert training rows to tokens and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numina.errors import UserError
from numina.records.problem import Problem
from numina.settings.training import Sft
from numina.template import IGNORED, Template, encode

Row = dict[str, list[int]]  # `input_ids` and `labels`, of equal length


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows and tokens there are, and how many are trained on.

    Attributes:
        rows: all rows.
        too_long: rows left out because they have more than `max_length` tokens.
        trained: the other rows.
        tokens: tokens of the trained rows.
        loss_tokens: tokens that carry loss.
        held_out: rows that fit and are not trained on, but evaluated.
    """

    rows: int
    too_long: int
    trained: int
    tokens: int
    loss_tokens: int
    held_out: int = 0


def encode_rows(
    tokenizer: Any, template: Template, rows: Sequence[Problem], params: Sft
) -> tuple[list[Row], Counts]:
    """Token ids and labels of each row that fits in `params.max_length`.

    Raises:
        UserError: no row fits, a row has no token to learn except its end, or the tokenizer has
            no end token.
    """
    kept: list[Row] = []
    for row in rows:
        encoded = encode(
            tokenizer,
            template,
            row.problem,
            row.solution,
            mask_prompt=params.mask_prompt,
            mask_output=params.mask_output,
        )
        if not any(label != IGNORED for label in encoded["labels"][1:-1]):
            raise UserError(f"row {row.id!r}: all tokens are masked, so there is nothing to learn")
        if len(encoded["input_ids"]) <= params.max_length:
            kept.append(encoded)
    if not kept:
        raise UserError(f"max_length: every sample is longer than {params.max_length} tokens")
    return kept, Counts(
        rows=len(rows),
        too_long=len(rows) - len(kept),
        trained=len(kept),
        tokens=sum(len(row["input_ids"]) for row in kept),
        loss_tokens=sum(label != IGNORED for row in kept for label in row["labels"][1:]),
    )
