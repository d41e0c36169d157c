"""Share requests among servers: who is asked, who is left alone, and when a request is given up.

A server that fails is left alone for a while, longer each time or as long as it asks for, and then
gets one request at first; its work is done anew on the others. A request that takes far longer than
others is sent to a second server that has room, and the first answer is taken.

What fails again and again is either the request or the servers. It is the request where the canary
is completed, a request of one token: then it alone is given up. Where the canary fails too, the
servers are down: they are given `patience_s`, and then the run ends.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from numina.engine.failure import ServerFailed
from numina.engine.protocol import CompletionFailed
from numina.engine.remote import Remote
from numina.errors import UserError
from numina.settings.hardware import ServerHardware
from numina.terminal import say

T = TypeVar("T")
Ask = Callable[[Remote], Awaitable[T]]
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0
TRIES = 4  # breakdowns over one request before it is suspected
REFUSALS = 3  # in a row, before a server is left alone for them
KNOWN = 100  # replies whose times say what is usual
SLOW = 3.0  # times the time within which nine of ten replies come
CANARY_S = 30.0
LOOK_S = 0.2  # between two looks for a server that has room for a slow request


@dataclass(slots=True, eq=False)
class Server:
    """One server, and how it does.

    Attributes:
        remote: the server itself.
        window: requests that it may have at once; few after a failure, more with each success.
        in_flight: requests that it has now.
        failures, refusals: in a row.
        back_at: when it may be asked again, in the event loop's time.
    """

    remote: Remote
    window: float
    in_flight: int = 0
    failures: int = 0
    refusals: int = 0
    back_at: float = 0.0

    def is_free(self, now: float) -> bool:
        return self.back_at <= now and self.in_flight < self.window


@dataclass(slots=True, eq=False)
class Request(Generic[T]):
    """One request, and how it has fared.

    Attributes:
        ask: sends it to a server.
        refused: the servers that will not do it, and why.
        failed: how often each server failed at it.
        faults: how often one broke down over it.
        failing_since: when it first failed, in the event loop's time.
    """

    ask: Ask[T]
    refused: dict[Server, ServerFailed] = field(default_factory=dict)
    failed: dict[Server, int] = field(default_factory=dict)
    faults: int = 0
    failing_since: float | None = None


class Balancer:
    """Servers that share the load.

    Args:
        remotes: the servers.
        places: requests in flight, for each server.
        hardware: how long to wait for them.
        canary: a request that any working server can do at once.
    """

    def __init__(
        self,
        remotes: Sequence[Remote],
        places: int,
        hardware: ServerHardware,
        canary: Ask[object],
    ) -> None:
        self.servers = [Server(remote, places) for remote in remotes]
        self.most, self.hardware, self.canary = places, hardware, canary
        self.places = asyncio.Semaphore(places * len(remotes))
        self.changed = asyncio.Event()
        self.probing = asyncio.Lock()
        self.served_at = self.dead_at = -float("inf")  # the last success, the last dead canary
        self.times: deque[float] = deque(maxlen=KNOWN)

    async def do(self, ask: Ask[T]) -> T:
        """Send a request until it is done.

        Raises:
            CompletionFailed: this request fails for good, and others do not.
            UserError: no server answers for `patience_s`, or all of them refuse any request.
        """
        request = Request(ask)
        while True:
            try:
                return await self.race(request)
            except ServerFailed as error:
                await self.judge(request, error)

    async def judge(self, request: Request[T], error: ServerFailed) -> None:
        """Give a request up, or return where it is to be sent again."""
        since = request.failing_since = request.failing_since or now()
        settled = len(request.refused) == len(self.servers)
        patience = self.hardware.patience_s
        waits = error.kind == "throttled" and now() - since < self.hardware.timeout_s
        suspect = request.faults >= TRIES or (now() - since > patience and not waits)
        dead = now() - max(since, self.served_at) > patience  # as nobody else is served either
        if not settled and not suspect and not dead:
            return
        if settled and all(why.kind == "unsuitable" for why in request.refused.values()):
            raise UserError(f"hardware.server.urls: {error}")
        if await self.canary_lives():
            if waits:
                return
            if settled and error.kind == "denied" and request.faults < TRIES:
                request.refused.clear()
                return
            raise CompletionFailed(str(error))
        if settled or dead:
            raise UserError(f"hardware.server.urls: no server answers; last, {error}")

    async def canary_lives(self) -> bool:
        """Whether any server does the smallest of requests."""
        asked = now()
        async with self.probing:
            if max(self.served_at, self.dead_at) > asked:
                return self.served_at > self.dead_at
            probes = [asyncio.create_task(self.probe(server)) for server in self.servers]
            try:
                for probe in asyncio.as_completed(probes):
                    if await probe:
                        return True
                self.dead_at = now()
                return False
            finally:
                await end(probes)

    async def probe(self, server: Server) -> bool:
        """Whether a server does the canary, once it may be asked again."""
        await asyncio.sleep(max(0.0, server.back_at - now()))
        try:
            async with asyncio.timeout(CANARY_S):
                await self.start(server, self.canary)
        except ServerFailed as error:
            self.note_failure(server, error)
            return False
        except TimeoutError:
            return False
        return True

    async def race(self, request: Request[T]) -> T:
        """Send a request to a server, and to a second one where the first is slow: the first reply.

        Raises:
            ServerFailed: it is not done.
        """
        server = await self.free(request)
        started, failure = now(), None
        running = {self.start(server, request.ask): server}
        try:
            while running:
                wait = None
                if self.hardware.hedge_s and len(running) == 1:
                    wait = max(LOOK_S, self.slow_after() - (now() - started))
                done, _ = await asyncio.wait(
                    running, timeout=wait, return_when=asyncio.FIRST_COMPLETED
                )
                if not done and (second := self.spare(request, set(running.values()))):
                    running[self.start(second, request.ask)] = second
                for task in done:
                    server = running.pop(task)
                    try:
                        reply = task.result()
                    except ServerFailed as error:
                        failure = error
                        self.take_note(request, server, error)
                        continue
                    self.times.append(now() - started)
                    self.leave_slow(server, running.values(), now() - started)
                    return reply
            assert failure is not None
            raise failure
        finally:
            await end(running)

    def leave_slow(self, fast: Server, others: Iterable[Server], seconds: float) -> None:
        """Leave those servers alone that another one, asked later, has overtaken."""
        for server in others:
            if server is not fast:
                where = server.remote.url
                slow = ServerFailed(f"{where}: no reply within {seconds:.0f} s", "fault")
                self.note_failure(server, slow)

    async def free(self, request: Request[T]) -> Server:
        """The server that does a request: of those that may, the one with the least to do."""
        while True:
            able = [s for s in self.servers if s not in request.refused] or self.servers
            free = [server for server in able if server.is_free(now())]
            if free:
                return min(free, key=lambda s: (request.failed.get(s, 0), s.failures, s.in_flight))
            back = min((s.back_at for s in able if s.in_flight < s.window), default=None)
            changed = self.changed
            with suppress(TimeoutError):
                async with asyncio.timeout(None if back is None else max(0.001, back - now())):
                    await changed.wait()

    def spare(self, request: Request[T], busy: set[Server]) -> Server | None:
        """A server with room for a request that another is slow with; that one itself if alone."""
        others = [s for s in self.servers if s not in busy and s not in request.refused]
        able = others if len(self.servers) > 1 else self.servers
        free = [server for server in able if server.is_free(now())]
        return min(free, key=lambda s: (s.failures, s.in_flight), default=None)

    def slow_after(self) -> float:
        """Seconds after which a request takes too long."""
        usual = sorted(self.times)[len(self.times) * 9 // 10] if self.times else 0.0
        return max(self.hardware.hedge_s, SLOW * usual)

    def start(self, server: Server, ask: Ask[T]) -> asyncio.Task[T]:
        """Send a request to a server, which has it from now on.

        Its task raises ServerFailed where it is not done.
        """

        async def send() -> T:
            reply = await ask(server.remote)
            server.failures = server.refusals = 0
            server.window = min(self.most, server.window + 1)
            self.served_at = now()
            return reply

        def release(_: object) -> None:
            server.in_flight -= 1
            self.changed.set()  # those who wait for a server look again
            self.changed = asyncio.Event()

        server.in_flight += 1
        task = asyncio.create_task(send())
        task.add_done_callback(release)
        return task

    def take_note(self, request: Request[T], server: Server, error: ServerFailed) -> None:
        """Remember that a server failed at a request."""
        request.failed[server] = request.failed.get(server, 0) + 1
        request.faults += error.kind in ("fault", "denied")
        if error.kind in ("denied", "refused", "unsuitable"):
            request.refused[server] = error
        if error.kind == "refused":
            server.refusals += 1
            if server.refusals < REFUSALS or len(self.servers) == 1:
                return
        self.note_failure(server, error)

    def note_failure(self, server: Server, error: ServerFailed) -> None:
        """Leave a server alone for a while, longer each time, and ask it for less at first."""
        if server.back_at <= now():  # requests that fail together count once
            server.failures += 1
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(server.failures - 1, 10))
            server.back_at = now() + pause * random.uniform(0.75, 1.25)
            server.window = max(1.0, server.window / 2 if server.failures == 1 else 1.0)
            if server.failures in (1, 5):
                say(f"engine: {error}; its work goes on elsewhere or later")
        if error.retry_after:
            server.back_at = max(server.back_at, now() + error.retry_after)
            server.window = 1.0


def now() -> float:
    """The event loop's time."""
    return asyncio.get_running_loop().time()


async def end(tasks: Iterable[asyncio.Task[T]]) -> None:
    """Cancel tasks that are no longer needed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
