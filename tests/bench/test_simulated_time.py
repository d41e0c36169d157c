"""Simulated time."""

import asyncio
import time

import pytest

from numina.bench.simulated_time import SimulatedLoop


def test_hours_pass_in_no_time_and_in_order():
    async def go() -> list[float]:
        loop, ended = asyncio.get_running_loop(), []

        async def one(seconds: float) -> None:
            await asyncio.sleep(seconds)
            ended.append(round(loop.time(), 6))

        await asyncio.gather(*[one(seconds) for seconds in (7200, 3600.5, 0, 60)])
        return ended

    started = time.monotonic()
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        assert runner.run(go()) == [0, 60, 3600.5, 7200]
    assert time.monotonic() - started < 60


def test_a_deadlock_is_an_error():
    with (
        asyncio.Runner(loop_factory=SimulatedLoop) as runner,
        pytest.raises(RuntimeError, match="nothing is left"),
    ):
        runner.run(asyncio.Event().wait())
