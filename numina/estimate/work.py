"""How many tokens, steps, operations and hours a run takes. docs/scale.md has the formulas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from numina.estimate.cards import Cards
from numina.estimate.memory import kv_bytes
from numina.estimate.shapes import Shape
from numina.settings.params import Params
from numina.settings.training import Sft

TRAINED_SHARE = 0.4  # of the card's operations a second, while training
STREAMED_SHARE = 0.6  # of the card's bytes a second, while decoding
PACKED = 0.98  # share of a block that is text, with best-fit packing


def tir_rows(params: Params) -> int:
    """The most rows of tool-integrated solutions that a run trains on."""
    return params.tir_data.max_rows * params.tir_select.per_problem


@dataclass(frozen=True, slots=True)
class Run:
    """One fine-tuning.

    Attributes:
        tokens: of text, over all epochs.
        blocks: a block is `max_length` tokens or one sample, in an epoch.
        steps: of the optimiser, over all epochs.
    """

    tokens: int
    blocks: int
    steps: int


def run_of(params: Sft, rows: int, row_tokens: float, packed: float = PACKED) -> Run:
    """Tokens and steps of a fine-tuning on `rows` samples of `row_tokens` tokens on average."""
    an_epoch = rows * row_tokens
    full = 1 if params.packing == "wrapped" else packed
    filled = math.ceil(an_epoch / (full * params.max_length))
    blocks = max(1, rows if params.packing == "none" else filled)
    return Run(int(an_epoch * params.epochs), blocks, steps(params, blocks))


def steps(params: Sft, blocks: int) -> int:
    """Optimiser steps over `blocks` blocks an epoch, as transformers counts them."""
    return math.ceil(params.epochs * math.ceil(blocks / params.batch_size))


def training_flops(shape: Shape, tokens: int, length: int, checkpointing: bool) -> float:
    """Operations of a fine-tuning.

    Two a parameter and token forward, four backward, two more where the forward pass is repeated;
    and causal attention over half a block (Kaplan et al. 2020, arXiv 2001.08361; PaLM, arXiv
    2204.02311, appendix B).
    """
    passes = 4 if checkpointing else 3
    attention = 2 * shape.layers * shape.heads * shape.head * length
    return float(passes) * tokens * (2 * shape.multiplied + attention)


def training_hours(flops: float, cards: Cards) -> float:
    """At `TRAINED_SHARE` of what the cards' maker states."""
    return flops / (cards.count * cards.card.tflops * 1e12 * TRAINED_SHARE) / 3600


def decoding_hours(
    shape: Shape, tokens: int, context: int, weights: int, at_once: int, width: int, cards: Cards
) -> float:
    """To decode `tokens` tokens.

    A step reads the weights once and the keys and values of every trace in flight, half a context
    each on average, at `STREAMED_SHARE` of the cards' bandwidth; or it is as slow as its operations
    are, at `TRAINED_SHARE`, whichever takes longer.
    """
    read = weights + at_once * context / 2 * kv_bytes(shape, width)
    by_memory = read / (cards.count * cards.card.gb_s * 1e9 * STREAMED_SHARE)
    operations = 2.0 * shape.multiplied * at_once
    by_work = operations / (cards.count * cards.card.tflops * 1e12 * TRAINED_SHARE)
    return tokens / at_once * max(by_memory, by_work) / 3600
