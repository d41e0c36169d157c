"""Event loops without sockets: `asyncio` wakes its loop by a socket, which sessions cannot open."""

from __future__ import annotations

import select
import selectors
import signal
import time
from typing import Any

from numina.sandbox.jail import turns

GLANCE_S = 0.01  # between checks of descriptors, which are pipes or files here


class Selector(selectors.PollSelector):
    """Waits like the session's threads, so that others run meanwhile and can wake it."""

    turn: turns.Turn | None = None
    woken = False

    def select(self, timeout: float | None = None) -> list[Any]:
        until = None if timeout is None else time.monotonic() + max(0.0, timeout)
        while True:
            found = super().select(0)
            left = None if until is None else until - time.monotonic()
            if found or self.woken or (left is not None and left <= 0):
                self.woken = False
                if not found and timeout is not None and timeout <= 0:
                    turns.give_way()
                return found
            if self.get_map():
                left = GLANCE_S if left is None else min(left, GLANCE_S)
            self.turn = turns.Turn()
            turns.wait(self.turn, left)

    def wake(self) -> None:
        self.woken = True
        if self.turn is not None:
            turns.end(self.turn)


def replace_selectors(module: Any) -> None:
    """Make the module `selectors` prefer ours; epoll would use memory that no limit counts."""
    module.DefaultSelector = module.EpollSelector = Selector
    select.epoll = None  # pyright: ignore[reportAttributeAccessIssue]


def replace_loops(selector_events: Any) -> None:
    """Make `asyncio`'s loops, in its module `selector_events`, wake without a socket."""
    loop = selector_events.BaseSelectorEventLoop

    def no_sockets(self: Any) -> None:
        self._ssock = self._csock = None

    loop._make_self_pipe = loop._close_self_pipe = no_sockets
    loop._write_to_self = lambda self: self._selector.wake()


def replace_signals(unix_events: Any) -> None:
    """Make `asyncio`'s loops, in its module `unix_events`, handle signals without a socket."""

    def add_signal_handler(self: Any, number: int, callback: Any, *arguments: Any) -> None:
        self._check_signal(number)
        self._signal_handlers[number] = callback
        signal.signal(number, lambda *_: self.call_soon_threadsafe(callback, *arguments))

    unix_events._UnixSelectorEventLoop.add_signal_handler = add_signal_handler
