"""Share requests among servers: choose a server, pause failing ones, and give up bad requests.

A server that fails is paused, longer each time or as long as it asks for, and then gets one request
at first; its work is repeated on the others. A request that takes far longer than others is also
sent to a second server that has room, and the first answer is used.

Repeated failures are caused either by the request or by the servers. To find out, a canary is sent,
a request of one token. If it succeeds, only the failing request is given up. If it fails too, the
servers are down: the run waits for them for `patience_s`, and then ends.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from numina.engine.failure import ServerFailed
from numina.engine.protocol import CompletionFailed
from numina.engine.remote import Remote
from numina.errors import UserError
from numina.terminal import say

T = TypeVar("T")
Ask = Callable[[Remote], Awaitable[T]]
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0
TRIES = 4  # faults on one request before it is suspected
REFUSALS = 3  # in a row before a server is paused for them
KNOWN = 100  # recent replies whose times define what is usual
SLOW = 3.0  # a request is slow after this many times the 90th percentile
CANARY_S = 30.0
LOOK_S = 0.2  # between two searches for a server with room for a slow request


class Waits(Protocol):
    """How long to wait for servers: `ServerHardware` says what each means."""

    @property
    def timeout_s(self) -> float: ...
    @property
    def hedge_s(self) -> float: ...
    @property
    def patience_s(self) -> float: ...


@dataclass(slots=True, eq=False)
class Server:
    """One server and its state.

    Attributes:
        remote: the server itself.
        window: limit on requests in flight; low after a failure, higher with each success.
        in_flight: requests in flight.
        failures, refusals: number in a row.
        back_at: when it may get requests again, in the event loop's time.
        told_at: the same by its own words.
    """

    remote: Remote
    window: float
    in_flight: int = 0
    failures: int = 0
    refusals: int = 0
    back_at: float = 0.0
    told_at: float = 0.0

    def is_free(self, now: float) -> bool:
        return max(self.back_at, self.told_at) <= now and self.in_flight < self.window


@dataclass(slots=True, eq=False)
class Request(Generic[T]):
    """One request and its failures so far.

    Attributes:
        ask: sends it to a server.
        refused: the servers that do not accept it, and why.
        failed: how often each server failed on it.
        faults: how often a server broke down on it.
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
        canary: a request that any working server can complete at once.
        knob: names the servers in messages.
        first: requests in flight for each server until it has completed one.
    """

    def __init__(
        self,
        remotes: Sequence[Remote],
        places: int,
        hardware: Waits,
        canary: Ask[object],
        knob: str = "hardware.server.urls",
        first: int | None = None,
    ) -> None:
        self.servers = [Server(remote, first or places) for remote in remotes]
        self.most, self.hardware, self.canary, self.knob = places, hardware, canary, knob
        self.places = asyncio.Semaphore(places * len(remotes))
        self.changed = asyncio.Event()
        self.probing = asyncio.Lock()
        self.served_at = self.dead_at = -float("inf")  # the last success, the last failed canary
        self.times: deque[float] = deque(maxlen=KNOWN)

    async def do(self, ask: Ask[T]) -> T:
        """Send a request until it succeeds.

        Raises:
            CompletionFailed: this request fails permanently, but others do not.
            UserError: no server answers for `patience_s`, or all of them refuse any request.
        """
        request = Request(ask)
        while True:
            try:
                return await self.race(request)
            except ServerFailed as error:
                await self.judge(request, error)

    async def judge(self, request: Request[T], error: ServerFailed) -> None:
        """Give a request up, or return to send it again."""
        since = request.failing_since = request.failing_since or now()
        settled = len(request.refused) == len(self.servers)
        patience = self.hardware.patience_s
        waits = error.kind == "throttled" and now() - since < self.hardware.timeout_s
        suspect = request.faults >= TRIES or (now() - since > patience and not waits)
        dead = now() - max(since, self.served_at) > patience  # no other request succeeds either
        if not settled and not suspect and not dead:
            return
        if settled and all(why.kind == "unsuitable" for why in request.refused.values()):
            raise UserError(f"{self.knob}: {error}")
        if await self.canary_lives():
            if waits:
                return
            if settled and error.kind == "denied" and request.faults < TRIES:
                request.refused.clear()
                return
            raise CompletionFailed(str(error))
        if settled or dead:
            raise UserError(f"{self.knob}: no server answers; last error: {error}")

    async def canary_lives(self) -> bool:
        """Whether any server completes the canary."""
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
        """Whether a server completes the canary, once it may get requests again."""
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
        """Send a request to a server, and to another if that is slow; return the first reply.

        Raises:
            ServerFailed: the request failed.
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
        """Pause servers that were slower than one that got the request later."""
        for server in others:
            if server is not fast:
                where = server.remote.url
                slow = ServerFailed(f"{where}: no reply within {seconds:.0f} s", "fault")
                self.note_failure(server, slow)

    async def free(self, request: Request[T]) -> Server:
        """Wait for a server for a request: the least busy of those that may get it."""
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
        """A server with room for a request that is slow on another; the same one if alone."""
        others = [s for s in self.servers if s not in busy and s not in request.refused]
        able = others if len(self.servers) > 1 else self.servers
        free = [server for server in able if server.is_free(now())]
        return min(free, key=lambda s: (s.failures, s.in_flight), default=None)

    def slow_after(self) -> float:
        """Seconds after which a request is slow."""
        usual = sorted(self.times)[len(self.times) * 9 // 10] if self.times else 0.0
        return max(self.hardware.hedge_s, SLOW * usual)

    def start(self, server: Server, ask: Ask[T]) -> asyncio.Task[T]:
        """Send a request to a server and count it as in flight.

        The task raises ServerFailed if the request fails.
        """

        async def send() -> T:
            try:
                reply = await ask(server.remote)
            except ServerFailed as error:  # before others learn that there is room
                server.told_at = now() + (error.retry_after or 0)
                raise
            server.failures = server.refusals = 0
            server.window = min(self.most, server.window + 1)
            self.served_at = now()
            return reply

        def release(_: object) -> None:
            server.in_flight -= 1
            self.changed.set()  # wake requests that wait for a server
            self.changed = asyncio.Event()

        server.in_flight += 1
        task = asyncio.create_task(send())
        task.add_done_callback(release)
        return task

    def take_note(self, request: Request[T], server: Server, error: ServerFailed) -> None:
        """Record that a server failed on a request."""
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
        """Pause a server, longer each time, and send it fewer requests at first."""
        if server.back_at <= now():  # requests that fail together count once
            server.failures += 1
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(server.failures - 1, 10))
            server.back_at = now() + pause * random.uniform(0.75, 1.25)
            server.window = max(1.0, server.window / 2 if server.failures == 1 else 1.0)
            if server.failures in (1, 5):
                say(f"engine: {error}; its requests are sent to other servers or later")
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
