"""Which of this machine's cards training uses."""

from __future__ import annotations

import os
import sys

VISIBLE = "CUDA_VISIBLE_DEVICES"


def take_one_card() -> None:
    """If several cards are visible, hide all but one: training is one process on one card.

    Call this before anything uses a card.
    """
    import torch

    count = torch.cuda.device_count()
    if count < 2:
        return
    first = (os.environ.get(VISIBLE) or "0").split(",")[0]
    os.environ[VISIBLE] = first
    print(f"{count} cards are visible; training uses one of them, {first}", file=sys.stderr)


def computes_in_bf16() -> bool:
    """Whether there is a card that computes with bfloat16."""
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def attention_kernel(packing: bool) -> str | None:
    """The attention kernel to load a model with; None for what transformers takes: sdpa, mostly.

    FlashAttention computes packed samples one by one, and not the whole block with a mask. It needs
    its package, and a card with bfloat16.
    """
    from transformers.utils.import_utils import is_flash_attn_2_available

    flash = packing and computes_in_bf16() and is_flash_attn_2_available()
    return "flash_attention_2" if flash else None
