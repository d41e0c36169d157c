"""Which of this machine's cards training uses."""

from __future__ import annotations

import os
import sys

VISIBLE = "CUDA_VISIBLE_DEVICES"


def take_one_card() -> None:
    """Leave one card visible where there are several: training is one process, for one card.

    This has to come before anything uses a card.
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
