"""Draw the next token of each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numina.engine.row import Row


def draw(logits: Any, rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    """Draw a token per row from logits (rows, vocabulary); its log-probability at temperature 1."""
    import torch

    drawn = logits.argmax(-1)
    hot = [place for place, row in enumerate(rows) if row.sampling.temperature > 0]
    if hot:
        device = logits.device
        heat = torch.tensor([[rows[place].sampling.temperature] for place in hot], device=device)
        top_p = torch.tensor([[rows[place].sampling.top_p] for place in hot], device=device)
        # Drawn on the CPU, so that a seed gives the same numbers on every card.
        uniform = torch.cat([torch.rand(1, generator=rows[place].generator) for place in hot])
        chances = torch.softmax(logits[hot] / heat, dim=-1)
        drawn[hot] = sample(chances, top_p, uniform.to(device))
    chosen = logits.gather(1, drawn[:, None])[:, 0] - logits.logsumexp(-1)
    return drawn.tolist(), chosen.tolist()


def sample(probabilities: Any, top_p: Any, uniform: Any) -> Any:
    """Draw a token per row from `probabilities` (rows, vocabulary) by uniform numbers (rows)."""
    order = None
    if bool((top_p < 1).any()):
        probabilities, order = probabilities.sort(descending=True)
        outside = probabilities.cumsum(-1) - probabilities >= top_p
        probabilities = probabilities.masked_fill(outside, 0)
    total = probabilities.cumsum(-1)
    place = (total <= (uniform * total[:, -1])[:, None]).sum(-1, keepdim=True)
    place = place.clamp(max=total.shape[-1] - 1)
    return (place if order is None else order.gather(1, place))[:, 0]
