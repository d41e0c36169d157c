"""Limit memory that the kernel does not limit: of all sessions together, and of names of files."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

from numina.sandbox.names import Names
from numina.sandbox.process import Process

EVERY_S = 0.5
SHARE = 2  # without a set limit, the machine's memory is divided by this
LIMIT = Path("/sys/fs/cgroup/memory.max")  # the limit of a container


class Budget:
    """The memory limit of the sessions of a pool together, and of each one's names of files.

    Args:
        limit_mb: the limit of all; 0 for half of the memory of this machine or container.
        session_mb: the limit of one session, which is always allowed.
    """

    def __init__(self, limit_mb: int, session_mb: int) -> None:
        self.session_limit = session_mb * 2**20
        self.limit = max(limit_mb * 2**20 or memory() // SHARE, self.session_limit)
        self.sessions: set[Process] = set()
        self.names = Names()

    def add(self, process: Process) -> None:
        self.sessions.add(process)

    async def keep(self) -> None:
        """Check periodically, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.look()

    def look(self) -> None:
        """End the sessions that are beyond a limit."""
        self.sessions = {process for process in self.sessions if not process.closed}
        self.end_largest()
        self.end_by_names()

    def end_by_names(self) -> None:
        """End the sessions that looked up too many files that do not exist."""
        for process, held in self.names.look(self.sessions).items():
            if held > self.session_limit:
                process.take_memory_back(
                    f"it looked up too many files that do not exist: their names held up to "
                    f"{held >> 20} MB of the kernel's memory, of {self.session_limit >> 20} MB"
                )

    def end_largest(self) -> None:
        """End the largest sessions until the rest is within the limit of all."""
        if sum(resident(process.pid) for process in self.sessions) <= self.limit:
            return
        # Most of it may be pages of the zygote, which all sessions share.
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
    """Bytes of memory of this machine, or of the container if it has less."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # "max" means no limit
        found = min(found, int(LIMIT.read_text()))
    return found


def resident(pid: int) -> int:
    """Bytes that a process has in memory, including shared ones; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def own(pid: int) -> int:
    """Bytes that only this process has in memory, or an upper bound; proc_pid_smaps(5)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return resident(pid)
    sizes = {
        name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines[1:])
    }
    return 1024 * (sizes["Private_Dirty"] + sizes["Private_Clean"])
