"""What programs did, recorded and played back with the time it took; engines: numina.engine.replay.

A program is known by its code and by what its session ran before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from numina.agent.trace import Programs, Sandboxes
from numina.bench.notebook import Executed, Run
from numina.sandbox.session import Result

History = tuple[str, ...]


class RecordingSession:
    """A session that keeps what it is asked and what becomes of it."""

    def __init__(self, programs: Programs, results: dict[History, Result]) -> None:
        self.programs, self.results = programs, results
        self.history: History = ()

    async def run(self, code: str) -> Result:
        self.history += (code,)
        result = self.results[self.history] = await self.programs.run(code)
        return result


class RecordingPool:
    """A pool that passes on what another one does, and keeps it in `results`."""

    def __init__(self, pool: Sandboxes) -> None:
        self.pool = pool
        self.results: dict[History, Result] = {}

    @contextlib.asynccontextmanager
    async def session(self, seed: int = 0) -> AsyncIterator[RecordingSession]:
        async with self.pool.session(seed) as programs:
            yield RecordingSession(programs, self.results)


class RecordedSession:
    """A session that answers from a recording."""

    def __init__(self, results: dict[History, Result], places: asyncio.Semaphore) -> None:
        self.results, self.places = results, places
        self.history: History = ()

    async def run(self, code: str) -> Result:
        self.history += (code,)
        result = self.results[self.history]
        async with self.places:
            await asyncio.sleep(result.wall_s)
        return result


class RecordedPool:
    """A pool that answers from a recording, with `places` programs at a time."""

    def __init__(self, results: dict[History, Result], places: int) -> None:
        self.results, self.places = results, asyncio.Semaphore(places)

    @contextlib.asynccontextmanager
    async def session(self, seed: int = 0) -> AsyncIterator[RecordedSession]:
        yield RecordedSession(self.results, self.places)


def recording(run: Run, executed: dict[str, Executed]) -> Run:
    """The notebook's way to run a block, which keeps what it did."""

    async def kept(code: str) -> Executed:
        done = executed[code] = await run(code)
        return done

    return kept


def recorded(executed: dict[str, Executed], places: int) -> Run:
    """The notebook's way to run a block, played back with `places` blocks at a time."""
    free = asyncio.Semaphore(places)

    async def played(code: str) -> Executed:
        done = executed[code]
        async with free:
            await asyncio.sleep(done.seconds)
        return done

    return played
