"""An event loop in simulated time: where all wait, the clock jumps, so hours pass in seconds."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class Jump(selectors.DefaultSelector):
    """A selector that never waits; `now` is the time in seconds, from 0."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing is left to wait for in simulated time")
            self.now += max(0.0, timeout)
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """For `asyncio.Runner(loop_factory=SimulatedLoop)`; no process may be awaited."""

    def __init__(self) -> None:
        self.clock = Jump()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Call at once: a thread would run while simulated time jumps."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future
