"""Limits of requests and tokens a minute, as servers state them for a key."""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

MINUTE_S = 60.0
BURST = 0.1  # share of a minute's tokens that may go out at once
PIECES = 8  # of a burst


class Limits:
    """Lets requests through so that no minute has more than its share.

    Requests go out at even distances. Tokens may go out in bursts of a tenth of a minute's. As an
    answer's length is not known before, the most that it may be is taken; what it did not use is
    given back, at most one burst at a time. So eight tenths a minute come in, and with a burst
    from either the limit is kept.

    Args:
        requests_a_minute, tokens_a_minute: 0 for no limit.
    """

    def __init__(self, requests_a_minute: int, tokens_a_minute: int) -> None:
        self.requests = self.tokens = None
        if requests_a_minute:
            self.requests = AsyncLimiter(1, MINUTE_S / requests_a_minute)
        self.burst = max(1.0, BURST * tokens_a_minute)
        if tokens_a_minute:
            self.tokens = AsyncLimiter(self.burst, MINUTE_S * BURST / (1 - 2 * BURST))
        self.turn = asyncio.Lock()
        self.unused = 0.0

    async def admit(self, tokens: int) -> None:
        """Wait until a request may be sent.

        Args:
            tokens: the most that its prompt and its answer may have.
        """
        if self.tokens is not None:
            async with self.turn:  # one takes at a time, in pieces, so that it gets what comes back
                left = float(tokens)
                while left > 0:
                    back = min(self.unused, left)
                    self.unused -= back
                    piece = min(left - back, self.burst / PIECES)
                    await self.tokens.acquire(piece)
                    left -= back + piece
        if self.requests is not None:
            await self.requests.acquire()

    def give_back(self, tokens: int) -> None:
        """Give back tokens that an answer did not have after all; below 0, it had more."""
        self.unused = min(self.burst, self.unused + tokens)
