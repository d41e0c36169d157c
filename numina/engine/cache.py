"""The attention cache of the transformers engine: what was computed once is not computed again.

The traces of a problem share its prompt, and a trace whose program has run goes on from where it
stopped. On two cores 570 tokens are read a second and some 150 to 200 written, and without this
every step would read all that stands before it.
"""

from __future__ import annotations

from typing import Any

import numpy
import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 128  # tokens by which a layer grows


class SlotLayer(DynamicLayer):
    """One layer of `Slots`: a new token is written in place, at the end of its own row."""

    def __init__(self, slots: Slots, empty: Any) -> None:
        super().__init__()
        self.lazy_initialization(empty, empty)
        self.slots, self.rooms = slots, [empty, empty.clone()]

    def get_seq_length(self) -> int:
        """Tokens of the longest row."""
        return self.slots.width

    def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Add one token a row, keys and values (rows, heads, 1, size); all of them."""
        rows, width = self.slots.rows, self.slots.width + 1
        ends = (
            torch.arange(rows, device=key_states.device),
            slice(None),
            self.slots.lengths[:rows],
        )
        for room, new in zip(self.rooms, (key_states, value_states), strict=True):
            room[ends] = new[:, :, 0]
        return self.rooms[0][:rows, :, :width], self.rooms[1][:rows, :, :width]


class Slots:
    """The cache of a running batch, which rows join and leave at any step without being copied.

    The rows stand left-aligned, each as long as it is; `mask` hides what lies beyond their ends.

    Args:
        network: a causal language model.
        most: rows there is room for.

    Attributes:
        rows: how many are there, in the first places.
        width: tokens of the longest.
    """

    def __init__(self, network: Any, most: int) -> None:
        heads, size = heads_and_size(network.config)
        self.lengths = torch.zeros(most, dtype=torch.long, device=network.device)
        self.rows = self.width = 0
        # Zeros, not what lies in memory: a hidden NaN would still spoil its row.
        empty = torch.zeros(most, heads, 0, size, dtype=network.dtype, device=network.device)
        self.cache: Any = DynamicCache(config=network.config)
        count = network.config.num_hidden_layers
        self.layers = self.cache.layers = [SlotLayer(self, empty) for _ in range(count)]

    def grow(self, width: int) -> None:
        """Make room for rows of `width` tokens."""
        old = self.layers[0].rooms[0].shape[-2]
        if width <= old:
            return
        for layer in self.layers:
            for place, room in enumerate(layer.rooms):
                grown = room.new_zeros(*room.shape[:2], width + ROOM, room.shape[3])
                grown[: self.rows, :, :old] = room[: self.rows]
                layer.rooms[place] = grown

    def join(self, past: Any) -> None:
        """Add a row with its `past` (layers, 2, heads, length, size), after the others."""
        length = past.shape[-2]
        self.grow(length + 1)
        for layer, known in zip(self.layers, past, strict=True):
            for room, states in zip(layer.rooms, known, strict=True):
                room[self.rows, :, :length] = states
        self.lengths[self.rows] = length
        self.rows += 1
        self.width = max(self.width, length)

    def leave(self, row: int) -> None:
        """Take a row out; the last one takes its place."""
        self.rows -= 1
        length = self.lengths[row] = self.lengths[self.rows]
        for layer in self.layers:
            for room in layer.rooms:
                room[row, :, :length] = room[self.rows, :, :length]
        self.width = int(self.lengths[: self.rows].max()) if self.rows else 0

    def past(self, row: int) -> Any:
        """What is known of a row: (layers, 2, heads, length, size)."""
        length = self.lengths[row]
        return torch.stack(
            [torch.stack([room[row, :, :length] for room in layer.rooms]) for layer in self.layers]
        )

    def step(self, network: Any, tokens: Any) -> Any:
        """Add `tokens` (rows, 1) to the rows; logits of what follows them (rows, vocabulary)."""
        self.grow(self.width + 1)
        lengths = self.lengths[: self.rows]
        places = torch.arange(self.width + 1, device=tokens.device)
        logits = network(
            input_ids=tokens,
            attention_mask=(places[None, :] <= lengths[:, None]).long(),
            position_ids=lengths[:, None],
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        lengths += 1
        self.width += 1
        return logits


def heads_and_size(config: Any) -> tuple[int, int]:
    """Key heads of a model, and the size of one."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return heads, size


def gather(network: Any, pasts: list[Any]) -> Any:
    """A cache whose rows hold `pasts`, each (layers, 2, heads, length, size), left-padded."""
    heads, size = heads_and_size(network.config)
    longest = max(past.shape[-2] for past in pasts)
    cache: Any = DynamicCache(config=network.config)
    for layer in range(network.config.num_hidden_layers):
        both = torch.zeros(
            2, len(pasts), heads, longest, size, dtype=network.dtype, device=network.device
        )
        for row, past in enumerate(pasts):
            if past.shape[-2]:
                both[:, row, :, longest - past.shape[-2] :] = past[layer]
        cache.update(both[0], both[1], layer)
    return cache


def take_row(cache: Any, row: int, places: Any) -> Any:
    """The keys and values of one row at some places: (layers, 2, heads, length, size)."""
    return torch.stack(
        [torch.stack([layer.keys[row], layer.values[row]])[:, :, places] for layer in cache.layers]
    )


class Prefixes:
    """Token sequences whose keys and values are kept, the least lately used given up first.

    Args:
        most: bytes of keys and values together; the latest sequence is kept in any case.
    """

    def __init__(self, most: float) -> None:
        self.most, self.bytes = most, 0
        self.kept: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def add(self, tokens: list[int], past: Any) -> None:
        """Keep the `past` (layers, 2, heads, len(tokens), size) of a sequence."""
        name = tuple(tokens)
        if name in self.kept:
            self.bytes -= self.kept[name][1].nbytes
        self.kept[name] = (numpy.array(tokens), past)
        self.bytes += past.nbytes
        while self.bytes > self.most and len(self.kept) > 1:
            self.bytes -= self.kept.pop(next(iter(self.kept)))[1].nbytes

    def clear(self) -> None:
        """Keep none."""
        self.kept.clear()
        self.bytes = 0

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
