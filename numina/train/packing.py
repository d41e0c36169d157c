"""Which samples share a block, over the whole set, so that few places stay empty.

Best fit decreasing, TRL's way, leaves 4% of the places of tool-integrated traces in blocks of 1024
empty: the lengths that are left do not add up. Here a block takes the longest samples that fit
until one, two or three of those that are left fill its room to the last place. Where much stays
empty even so, some blocks are taken apart again and again, and their samples packed anew: then 1%
stays empty.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from random import Random

import numpy as np

ENOUGH = 0.995  # share of the places that is good enough
TRIES = 600  # to do with fewer blocks
SOME = 8  # blocks that are taken apart at once


def pack(lengths: Sequence[int], size: int) -> list[list[int]]:
    """The samples of each block, by their places in `lengths`.

    They are those of best fit decreasing where no other way takes fewer blocks.

    Args:
        lengths: tokens of each sample, from 1 to `size`.
        size: the most tokens of a block.
    """
    usual, filled = best_fit(lengths, size), fill(lengths, size)
    fewest = improve(usual if len(usual) <= len(filled) else filled, lengths, size)
    return usual if len(usual) <= len(fewest) else fewest


def improve(blocks: list[list[int]], lengths: Sequence[int], size: int) -> list[list[int]]:
    """Take the emptiest block and a few others apart and pack their samples anew, many times.

    What is no worse is kept: fewer blocks, or else less evenly filled ones, so that the room that
    is left gathers in few of them until one is not needed (after Falkenauer 1996, A hybrid grouping
    genetic algorithm for bin packing).
    """
    blocks, draw = list(blocks), Random(0)
    held = [sum(lengths[at] for at in block) for block in blocks]
    total = sum(held)
    for _ in range(TRIES):
        if total > ENOUGH * size * len(blocks) or (len(blocks) - 1) * size < total:
            break
        emptiest = held.index(min(held))
        some = sorted({emptiest, *draw.sample(range(len(blocks)), min(SOME, len(blocks)))})
        anew = packed_anew([blocks[place] for place in some], lengths, size)
        sums = [sum(lengths[at] for at in block) for block in anew]
        if weight(sums) < weight([held[place] for place in some]):
            continue
        for place, block, tokens in zip(some, anew, sums, strict=False):
            blocks[place], held[place] = block, tokens
        for place in reversed(some[len(anew) :]):  # no longer needed
            blocks[place], held[place] = blocks[-1], held[-1]
            del blocks[-1], held[-1]
    return blocks


def packed_anew(blocks: list[list[int]], lengths: Sequence[int], size: int) -> list[list[int]]:
    """The samples of some blocks in others, in the better of two ways."""
    samples = [at for block in blocks for at in block]
    own = [lengths[at] for at in samples]
    ways = [way(own, size) for way in (fill, best_fit)]
    best = max(ways, key=lambda way: weight([sum(own[at] for at in block) for block in way]))
    return [[samples[at] for at in block] for block in best]


def weight(held: Sequence[int]) -> tuple[int, int]:
    """How good blocks with so many tokens are: few of them, or else less evenly filled."""
    return -len(held), sum(tokens**2 for tokens in held)


def best_fit(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Best fit decreasing: from the longest on, each sample joins the block with least room for it.

    Its blocks are those of `trl.pack_dataset`, which needs the tokens themselves: of samples of
    one length the first comes first, and of blocks with one room that which has had it longest.
    """
    blocks: list[list[int]] = []
    waiting: dict[int, deque[int]] = {}  # blocks by their room
    rooms: list[int] = []  # the keys of `waiting`, sorted
    for at in np.argsort(-np.asarray(lengths), kind="stable").tolist():
        length = lengths[at]
        place = bisect_left(rooms, length)
        if place == len(rooms):
            block, room = len(blocks), size
            blocks.append([])
        else:
            room = rooms[place]
            block = waiting[room].popleft()
            if not waiting[room]:
                del waiting[room], rooms[place]
        blocks[block].append(at)
        if room := room - length:
            if room not in waiting:
                waiting[room] = deque()
                insort(rooms, room)
            waiting[room].append(block)
    return blocks


def fill(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Blocks filled to the last place where lengths add up; equal lengths keep their order."""
    waiting: list[deque[int]] = [deque() for _ in range(size + 1)]
    for at, length in enumerate(lengths):
        waiting[length].append(at)
    left = Left([len(samples) for samples in waiting])
    blocks = []
    while left.there:
        blocks.append([waiting[length].popleft() for length in block_of(left, size)])
    return blocks


class Left:
    """How many samples of each length wait, and sets of the lengths that there are, as bits.

    Attributes:
        counts: samples by length.
        there: bit n is set if a sample of length n waits.
        mirrored: bit size - n is set if one does: shifted by size - r, its bit n says whether a
            sample of length r - n waits.
    """

    def __init__(self, counts: list[int]) -> None:
        self.counts = counts
        self.size = len(counts) - 1
        self.there = sum(1 << length for length, count in enumerate(counts) if count)
        self.mirrored = sum(1 << self.size - length for length, count in enumerate(counts) if count)

    def take(self, length: int, count: int = 1) -> None:
        """Take samples of a length out, or put them back if `count` is negative."""
        had = self.counts[length]
        self.counts[length] = had - count
        if bool(had) != bool(had - count):
            self.there ^= 1 << length
            self.mirrored ^= 1 << self.size - length

    def longest(self, most: int) -> int:
        """The greatest length up to `most`; 0 if there is none."""
        return max(0, (self.there & (2 << most) - 1).bit_length() - 1)

    def two(self, total: int, most: int) -> list[int]:
        """Two lengths that add up to `total`, the first as long as `most` allows, if there are."""
        both = self.there & self.mirrored >> self.size - total & (2 << most) - 1
        half, odd = divmod(total, 2)
        if not odd and self.counts[half] == 1:
            both &= ~(1 << half)
        first = both.bit_length() - 1
        return [first, total - first] if both else []


def block_of(left: Left, size: int) -> list[int]:
    """Take the lengths of one block out of those that are left."""
    chosen: list[int] = []
    room = size
    while room:
        last = exact(left, room) if chosen else []
        last = last or [left.longest(room)]
        if not last[0]:
            break
        for length in last:
            left.take(length)
            room -= length
        chosen += last
    return chosen


def exact(left: Left, room: int) -> list[int]:
    """One, two or three lengths that add up to the room; the first of them as long as can be."""
    if left.counts[room]:
        return [room]
    if pair := left.two(room, room):
        return pair
    first = left.longest(room)
    while 3 * first >= room:  # else three of at most that length are too short
        left.take(first)
        pair = left.two(room - first, first)
        left.take(first, -1)
        if pair:
            return [first, *pair]
        first = left.longest(first - 1)
    return []
