"""Limits a minute, in simulated time."""

import asyncio
from typing import Any

import pytest

from numina.bench.simulated_time import Jump, SimulatedLoop
from numina.teacher.limits import Limits


class Ticking(Jump):
    """Time never stands still, as it does not for a limiter whose sums are rounded."""

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += 1e-6
        return super().select(timeout)


class TickingLoop(SimulatedLoop):
    def __init__(self) -> None:
        self.clock = Ticking()
        asyncio.SelectorEventLoop.__init__(self, self.clock)


def sent(requests: int, tokens: int, jobs: list[tuple[int, int]], each_s: float = 0.0):
    """When each request goes out, and the tokens that it uses, in the order of their times.

    Args:
        requests, tokens: the limits.
        jobs: of each request, the most that it may use and what it does.
        each_s: seconds until an answer.
    """

    async def go() -> list[tuple[float, int]]:
        limits, went = Limits(requests, tokens), []

        async def one(most: int, used: int) -> None:
            await limits.admit(most)
            went.append((asyncio.get_running_loop().time(), used))
            await asyncio.sleep(each_s)
            limits.give_back(most - used)

        await asyncio.gather(*[one(*job) for job in jobs])
        return went

    with asyncio.Runner(loop_factory=TickingLoop) as runner:
        return runner.run(go())


def most_in_a_minute(went: list[tuple[float, int]], weight) -> float:
    return max(
        sum(weight(used) for at, used in went if begin <= at < begin + 60) for begin, _ in went
    )


@pytest.mark.parametrize("limit", [1, 3, 60, 600])
def test_no_minute_has_more_requests_than_the_limit(limit):
    went = sent(limit, 0, [(9, 9)] * (3 * limit))
    assert len(went) == 3 * limit
    assert most_in_a_minute(went, lambda _: 1) <= limit
    assert went[-1][0] == pytest.approx(60 * (3 * limit - 1) / limit, abs=1)


@pytest.mark.parametrize("used", [1000, 400, 50])
@pytest.mark.parametrize("each_s", [0.0, 5.0, 200.0])
def test_no_minute_has_more_tokens_than_the_limit(used, each_s):
    went = sent(0, 10_000, [(1000, used)] * 100, each_s)
    assert len(went) == 100
    assert most_in_a_minute(went, lambda tokens: tokens) <= 10_000


def test_tokens_that_are_not_used_are_given_back():
    short, long = sent(0, 10_000, [(1000, 50)] * 100, 1.0), sent(0, 10_000, [(1000, 1000)] * 100)
    assert short[-1][0] < long[-1][0] / 4


def test_a_request_that_is_larger_than_a_minute_goes_out_alone():
    went = sent(0, 1000, [(5000, 5000)] * 2)
    assert went[1][0] - went[0][0] >= 240


def test_without_limits_nothing_waits():
    assert sent(0, 0, [(10**6, 10**6)] * 50)[-1][0] < 1
