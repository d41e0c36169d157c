"""The demo with an engine that plays given parts, in a thread of the test's process."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from numina.agent.calls import FENCED, Calls
from numina.agent.trace import Agent, TraceLimits, step_seed
from numina.demo.desk import Desk, Terms
from numina.demo.web import application
from numina.engine.protocol import Completion, CompletionFailed, Sampling, cut_at_stop
from numina.errors import UserError
from numina.sandbox.result import Result
from numina.settings.decoding import Sctir
from tests.conftest import changed_params
from tests.sctir.scripted import PLAIN

LIMITS = TraceLimits(0.8, 1.0, 64, 2000, 2, 400)
PROGRAM = "We count: $1 + 1$.\n```python\nprint(1 + 1)\n```\n```output\n"


@dataclass
class Played:
    """Plays a part for each problem: what each trace writes, step by step.

    Attributes:
        parts: by a word of the problem, for each trace its steps; a step is text, an exception to
            raise, or "HANG" (for ever), "CLING" (until `released`, also if it is cancelled) or
            "WAIT n" (until `let(n)`), which may be followed by text.
        gates: what was let pass.
        asked: prompts, in the order in which they came.
    """

    parts: dict[str, list[list[Any]]]
    gates: dict[str, threading.Event] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    released: bool = False
    seed: int = 1

    async def __aenter__(self) -> Played:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def let(self, gate: str) -> None:
        """Let everything pass that waits, or will wait, at a gate."""
        self.gates.setdefault(gate, threading.Event()).set()

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        self.asked.append(prompt)
        part = next(part for word, part in self.parts.items() if word in prompt)
        step = next(
            steps[number]
            for index, steps in enumerate(part)
            for number in range(len(steps))
            if sampling.seed == step_seed(self.seed, "problem", index, number)
        )
        if isinstance(step, Exception):
            raise step
        if gate := re.match(r"WAIT (\w+) ?", step):
            passed = self.gates.setdefault(gate[1], threading.Event())
            while not passed.is_set():
                await asyncio.sleep(0.005)
            step = step[gate.end() :]
        if step == "HANG":
            await asyncio.Event().wait()
        while step == "CLING" and not self.released:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
        stopped = cut_at_stop(step, sampling.stop) is not None
        return Completion(step, "stop" if stopped else "end", 1, len(step.split()), -1.0)


@dataclass
class Printing:
    """A sandbox in which every program prints the same."""

    printed: str

    @contextlib.asynccontextmanager
    async def session(self, seed: int = 0):
        yield self

    async def run(self, code: str) -> Result:
        return Result("ok", self.printed, None, None, None, False, 0.0, 0.0, 0.0)


def sctir(n: int, **changes: Any) -> Sctir:
    """The knobs of a vote, all traces at once."""
    knobs = {"n": n, "at_once": n, "vote": "uniform", **changes}
    return changed_params({f"sctir.{name}": value for name, value in knobs.items()}).sctir


def desk_of(
    played: Played, terms: Terms, knobs: Sctir, printed: str = "2\n", calls: Calls = FENCED
) -> Desk:
    agent = Agent(played, Printing(printed), PLAIN, LIMITS, calls=calls)
    return Desk(agent, knobs, changed_params().answers.solve, terms)


@contextlib.contextmanager
def demo(played: Played, terms: Terms, knobs: Sctir, printed: str = "2\n") -> Iterator[str]:
    """The demo, served as long as the context lasts; its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[Desk, web.AppRunner, str]:
        desk = desk_of(played, terms, knobs, printed)
        about = {"model": "played", "n": knobs.n, "seconds": f"{terms.seconds:g}"}
        runner = web.AppRunner(application(desk, about), shutdown_timeout=1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return desk, runner, f"http://{host}:{port}/"

    async def end() -> None:
        await desk.close()
        await runner.cleanup()

    desk, runner, address = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        yield address
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


FAILS = [CompletionFailed("http://10.0.0.7: refused")]
BROKEN = [UserError("no server at http://10.0.0.7 answers")]
