"""The attention cache of the transformers engine: what was computed once is not computed again.

The traces of a problem share its prompt, and a trace whose program has run goes on from where it
stopped. On two cores 570 tokens are read a second and some 150 to 200 written, and without this
every step would read all that stands before it.
"""

from __future__ import annotations

from typing import Any

import numpy
import torch
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

ATTENTION = "grouped"
ROOM = 128  # tokens by which a layer grows
KEPT_TOKENS = 40_000  # of all prefixes together; a 135M model takes 46 KB a token


def grouped_attention(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **options: Any
) -> tuple[Any, None]:
    """Attention of one new token a row, without copying keys and values to every query head.

    Args:
        query: (rows, heads, tokens, size); with more than one token, sdpa does it.
        key, value: (rows, key heads, length, size).
        attention_mask: boolean, or to be added; (rows, 1, tokens, length).

    Source: grouped-query attention, arXiv 2305.13245.
    """
    rows, heads, tokens, size = query.shape
    if tokens > 1:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    grouped = query.reshape(rows, key.shape[1], heads // key.shape[1], size)
    scores = grouped @ key.transpose(2, 3) * options.get("scaling", size**-0.5)
    if attention_mask is not None and attention_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attention_mask, -torch.inf)
    elif attention_mask is not None:
        scores = scores + attention_mask
    out = scores.softmax(-1) @ value
    return out.reshape(rows, heads, 1, size).transpose(1, 2), None


AttentionInterface.register(ATTENTION, grouped_attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)


class Layer(DynamicLayer):
    """A layer with room to grow: a new token is written in place, not appended to a copy.

    Args:
        keys, values: (rows, heads, length, size), to start from.
    """

    def __init__(self, keys: Any, values: Any) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.length = keys.shape[-2]
        self.rooms = [keys, values]
        self._show()

    def _show(self) -> None:
        self.keys, self.values = (room[:, :, : self.length] for room in self.rooms)

    def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Add the keys and values of new tokens; all of them."""
        start, self.length = self.length, self.length + key_states.shape[-2]
        for place, new in enumerate((key_states, value_states)):
            if self.length > self.rooms[place].shape[-2]:
                grown = new.new_empty(*new.shape[:2], self.length + ROOM, new.shape[3])
                grown[:, :, :start] = self.rooms[place][:, :, :start]
                self.rooms[place] = grown
            self.rooms[place][:, :, start : self.length] = new
        self._show()
        return self.keys, self.values

    def batch_select_indices(self, indices: Any) -> None:
        """Keep some of the rows."""
        self.rooms = [room[indices] for room in self.rooms]
        self._show()


def gather(network: Any, pasts: list[Any]) -> Any:
    """A cache whose rows hold `pasts`, each (layers, 2, heads, length, size), left-padded."""
    config = network.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    longest = max(past.shape[-2] for past in pasts)
    cache: Any = DynamicCache(config=config)
    cache.layers = []
    for layer in range(config.num_hidden_layers):
        both = torch.zeros(
            2, len(pasts), heads, longest, size, dtype=network.dtype, device=network.device
        )
        for row, past in enumerate(pasts):
            if past.shape[-2]:
                both[:, row, :, longest - past.shape[-2] :] = past[layer]
        cache.layers.append(Layer(both[0], both[1]))
    return cache


def take_row(cache: Any, row: int, places: Any) -> Any:
    """The keys and values of one row at some places: (layers, 2, heads, length, size)."""
    return torch.stack(
        [torch.stack([layer.keys[row], layer.values[row]])[:, :, places] for layer in cache.layers]
    )


class Prefixes:
    """Token sequences whose keys and values are kept, the least lately used given up first."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def add(self, tokens: list[int], past: Any) -> None:
        """Keep the `past` (layers, 2, heads, len(tokens), size) of a sequence."""
        self.kept[tuple(tokens)] = (numpy.array(tokens), past)
        while sum(map(len, self.kept)) > KEPT_TOKENS and len(self.kept) > 1:
            del self.kept[next(iter(self.kept))]

    def longest(self, tokens: list[int]) -> Any:
        """The kept past of as many leading tokens as possible; None where there is none."""
        wanted, best, found = numpy.array(tokens), 0, None
        for key, (known, past) in self.kept.items():
            length = min(len(known), len(wanted))
            same = known[:length] == wanted[:length]
            shared = length if same.all() else int(same.argmin())
            if shared > best:
                best, found = shared, (key, past)
        if found is None:
            return None
        key, past = found
        self.kept[key] = self.kept.pop(key)  # now the most lately used
        return past[:, :, :, :best]
