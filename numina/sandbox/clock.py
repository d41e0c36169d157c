"""The time of a block: what it computes and sleeps, not what a busy machine makes it wait."""

from __future__ import annotations

import asyncio
import time

WALL = 10  # a block is stopped after this many times its limit, whatever it does
IDLE = 0.01  # a share of processor time below which it sleeps: a busy machine gives each more
LEAST_S = 0.002  # between two looks


class Clock:
    """Ends a wait when a block has had its time, by looking at its processor time now and then.

    A block's processor seconds count, as do the seconds in which it takes no processor time. So a
    block that could do more on an idle machine is not stopped for that the machine is busy.

    Args:
        pid: the process that runs the block.
        limit_s: seconds that it has.
        wait: what is ended then.
    """

    def __init__(self, pid: int, limit_s: float, wait: asyncio.Timeout) -> None:
        self.loop = asyncio.get_running_loop()
        self.pid, self.limit_s, self.wait = pid, limit_s, wait
        self.spent = 0.0
        self.at, self.cpu_s = self.loop.time(), processor_time(pid)
        self.last = self.at + WALL * limit_s
        self.timer = self.loop.call_later(limit_s, self._look)

    def stop(self) -> None:
        self.timer.cancel()

    def _look(self) -> None:
        now, cpu_s = self.loop.time(), processor_time(self.pid)
        took, ran = now - self.at, max(0.0, cpu_s - self.cpu_s)
        self.spent += ran if ran > IDLE * took else took
        self.at, self.cpu_s = now, cpu_s
        left = min(self.limit_s - self.spent, self.last - now)
        if left <= 0:
            self.wait.reschedule(now)
        else:
            self.timer = self.loop.call_later(max(left, LEAST_S), self._look)


def processor_time(pid: int) -> float:
    """Processor seconds of a process, clock_getcpuclockid(3); 0 where it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0
