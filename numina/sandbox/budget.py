"""The memory of all sessions together: where it is spent, the largest session ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

from numina.sandbox.process import Process

EVERY_S = 0.5
SHARE = 2  # one part in this many of the machine's memory, where no number is set
LIMIT = Path("/sys/fs/cgroup/memory.max")  # a container's


class Budget:
    """What the sessions of a pool may hold together.

    Args:
        limit_mb: the number; 0 for half of the memory that this machine or container has.
        least_mb: what one session may hold, which is allowed always.
    """

    def __init__(self, limit_mb: int, least_mb: int) -> None:
        self.limit = max(limit_mb * 2**20 or memory() // SHARE, least_mb * 2**20)
        self.sessions: set[Process] = set()

    def add(self, process: Process) -> None:
        self.sessions.add(process)

    async def keep(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.look()

    def look(self) -> None:
        """End the largest sessions until the rest is within the limit."""
        self.sessions = {process for process in self.sessions if not process.closed}
        if sum(resident(process.pid) for process in self.sessions) <= self.limit:
            return
        # Most of that may be the zygote's, which all sessions share.
        held = {process: own(process.pid) for process in self.sessions}
        total = sum(held.values())
        for process in sorted(held, key=lambda process: -held[process]):
            if total <= self.limit:
                return
            total -= held[process]
            process.take_memory_back(
                f"the sessions together held more than {self.limit >> 20} MB, this one the most"
            )


def memory() -> int:
    """Bytes of memory of this machine, or of the container where it has fewer."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # "max" is no limit
        found = min(found, int(LIMIT.read_text()))
    return found


def resident(pid: int) -> int:
    """Bytes that a process has in memory, shared ones too; 0 where it is no more."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def own(pid: int) -> int:
    """Bytes that a process alone has in memory, or as much as it may be; proc_pid_smaps(5)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return resident(pid)
    sizes = {
        name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines[1:])
    }
    return 1024 * (sizes["Private_Dirty"] + sizes["Private_Clean"])
