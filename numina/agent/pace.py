"""How much a decoding step costs with more traces side by side, measured as an engine runs.

A step reads the model's weights once, whatever the number of traces (`fixed`), and computes each
trace (`each`). While the first part dominates, as on a card with few traces, further traces cost
the others next to nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

KNOWN = 64  # completions that an estimate is made from
SPREAD = 1.25  # of the numbers side by side, most to least, before there is an estimate
SLOWDOWN = 0.5  # that further traces may cause: to begin them later would take a whole trace's time


class Pace:
    """Seconds a token, by how many completions an engine decodes side by side.

    Args:
        now: a clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.in_flight, self.area, self.since = 0, 0.0, now()
        self.known: deque[tuple[float, float]] = deque(maxlen=KNOWN)  # side by side, seconds

    @contextmanager
    def decoding(self) -> Iterator[Callable[[int], None]]:
        """A completion, from its request to its end; call the result with the number of tokens."""
        began, area = self.turn(1)

        def decoded(tokens: int) -> None:
            seconds = self.now() - began
            if tokens and seconds > 0:
                beside = (self.area + self.in_flight * (self.now() - self.since) - area) / seconds
                self.known.append((beside, seconds / tokens))

        try:
            yield decoded
        finally:
            self.turn(-1)

    def turn(self, change: int) -> tuple[float, float]:
        """Change the number in flight; return the time, and the sum of the numbers over time."""
        now = self.now()
        self.area += self.in_flight * (now - self.since)
        self.in_flight, self.since = self.in_flight + change, now
        return now, self.area

    def room(self, needed: int, most: int) -> int:
        """How many traces to have in flight: those needed, and further ones that cost them little.

        Args:
            needed: at least 1.
            most: what is returned until enough is known, and never exceeded.
        """
        beside, seconds = np.array(self.known or [(1.0, 0.0)]).T
        if beside.max() < SPREAD * beside.min():
            return most
        each, fixed = np.polyfit(beside, seconds, 1)
        if each <= 0:
            return most
        further = SLOWDOWN * (max(fixed, 0.0) + each * needed) / each
        return min(most, needed + int(further))
