"""Attention of one new token a row, and the architectures that it and our cache are right for."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from numina.errors import UserError

ATTENTION = "grouped"
# What some architectures hand to their attention, and this one does not compute.
SPECIAL = {
    "softcap": "soft caps",
    "s_aux": "attention sinks",
    "position_bias": "position biases",
    "indices": "sparse attention",
    "block_indices": "sparse attention",
}
INSTEAD = "; use engine.name=vllm or server"


def grouped_attention(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **options: Any
) -> tuple[Any, None]:
    """Attention of one new token a row, without copying keys and values to every query head.

    In 16 bits torch's own attention does it, which scales before it multiplies and adds up in 32.

    Args:
        query: (rows, heads, tokens, size); with more than one token, sdpa does it.
        key, value: (rows, key heads, length, size).
        attention_mask: boolean, or to be added; (rows, 1, tokens, length).

    Raises:
        UserError: the architecture's attention has parts that are not computed here.

    Source: grouped-query attention, arXiv 2305.13245.
    """
    refuse_special(options, key.shape[2])
    rows, heads, tokens, size = query.shape
    if tokens > 1:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    grouped = query.reshape(rows, key.shape[1], heads // key.shape[1], size)
    scaling = options.get("scaling", size**-0.5)
    if query.dtype != torch.float32:
        out = scaled_dot_product_attention(grouped, key, value, attention_mask, scale=scaling)
    else:
        scores = grouped @ key.transpose(2, 3) * scaling
        if attention_mask is not None and attention_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attention_mask, -torch.inf)
        elif attention_mask is not None:
            scores = scores + attention_mask
        out = scores.softmax(-1) @ value
    return out.reshape(rows, heads, 1, size).transpose(1, 2), None


AttentionInterface.register(ATTENTION, grouped_attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)


def refuse_special(options: dict[str, Any], length: int) -> None:
    """Insist on plain attention.

    Raises:
        UserError: a model asks for more, with what it is.
    """
    for name, what in SPECIAL.items():
        if options.get(name) is not None:
            raise UserError(f"engine transformers does not compute {what}{INSTEAD}")
    window = options.get("sliding_window")
    if window and length > window:
        raise UserError(f"engine transformers does not compute sliding windows ({window}){INSTEAD}")


def check_layers(config: Any, max_context: int) -> None:
    """Insist on layers whose attention sees all of `max_context` tokens.

    Args:
        config: of a causal language model.
        max_context: tokens of the longest prompt and its completion.

    Raises:
        UserError: it has others: sliding windows that are shorter, or no attention at all.
    """
    for layer in DynamicCache(config=config).layers:
        if isinstance(layer, DynamicSlidingWindowLayer):
            if layer.sliding_window < max_context:
                raise UserError(
                    f"some layers see {layer.sliding_window} tokens, fewer than max_context "
                    f"{max_context}, which engine transformers does not compute{INSTEAD}"
                )
        elif type(layer) is not DynamicLayer:
            raise UserError(
                f"has layers other than attention ({type(layer).__name__}), which engine "
                f"transformers does not compute{INSTEAD}"
            )


def check_logits(ours: Any, own: Any) -> None:
    """Insist on logits as the model's own attention gives them.

    Raises:
        UserError: they differ by more than rounding.
    """
    allowed = 1e-3 if own.dtype == torch.float32 else 0.15
    off = float((ours.float() - own.float()).abs().max() / own.float().abs().max())
    if not off <= allowed:  # NaN is not
        raise UserError(
            f"engine transformers does not compute it as the model itself does (logits differ "
            f"by {off:.2g} of the largest){INSTEAD}"
        )
