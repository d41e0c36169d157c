"""A visit: one problem of one visitor, and what the visitor's page is told of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

Message = dict[str, Any]  # its "kind", and what belongs to that kind; see `numina.demo.growth`


class Visit:
    """A visitor's problem. All messages are kept, so a page that lost its connection catches up.

    Args:
        text: the problem's statement.

    Attributes:
        id: cannot be guessed, so that only its visitor can follow it and stop it.
        messages: all that was told so far.
        told_at: when the last message was told, in the event loop's time.
        over: nothing more will be told.
        stopping: set when the visitor wants it to stop.
        readers: how many pages follow it now.
        arrivals: how many ever came to follow it.
    """

    def __init__(self, text: str) -> None:
        self.id, self.text = secrets.token_urlsafe(12), text
        self.messages: list[Message] = []
        self.told_at = 0.0
        self.over, self.readers, self.arrivals = False, 0, 0
        self.stopping = asyncio.Event()
        self.news = asyncio.Event()

    def tell(self, kind: str, **content: Any) -> None:
        """Add a message for the visitor's page; once the visit is over, nothing is added."""
        if not self.over:
            self.messages.append({"kind": kind, **content})
            self.told_at = asyncio.get_running_loop().time()
            self.wake()

    def end(self, kind: str, **content: Any) -> None:
        """Add the last message; only the first call counts."""
        self.tell(kind, **content)
        self.over = True
        self.wake()

    def wake(self) -> None:
        news, self.news = self.news, asyncio.Event()
        news.set()

    async def read(self, after: int = 0) -> AsyncIterator[tuple[int, Message]]:
        """The messages with their numbers, from 1, as they come, to the last.

        Args:
            after: the number of the last message that is known already.
        """
        while True:
            news = self.news
            for number, message in enumerate(self.messages[after:], after + 1):
                after = number
                yield number, message
            if self.over and after >= len(self.messages):
                return
            if news is self.news:
                await news.wait()
