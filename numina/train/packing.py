"""Which samples share a block, over the whole set, so that few places stay empty.

Best fit decreasing, TRL's way, leaves 3% of the places of tool-integrated traces in blocks of 1024
empty: the lengths that are left do not add up. Here a block takes the longest samples that fit
until one, two or three of those that are left fill its room to the last place; 1% stays empty.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence

import numpy as np


def pack(lengths: Sequence[int], size: int) -> list[list[int]]:
    """The samples of each block, by their places in `lengths`.

    Where best fit decreasing takes no more blocks than `fill`, its blocks are taken.

    Args:
        lengths: tokens of each sample, from 1 to `size`.
        size: the most tokens of a block.
    """
    usual, blocks = best_fit(lengths, size), fill(lengths, size)
    return usual if len(usual) <= len(blocks) else blocks


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
