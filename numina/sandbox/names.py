"""Count the names that each session's lookups leave in the kernel's memory.

The kernel caches the name of a file that was looked up and does not exist (a negative dentry). No
limit of a process counts this memory, and the kernel counts these names for the whole machine only.
So what the machine's count grows by is shared out to the sessions by their system time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from numina.sandbox.process import Process

STATE = Path("/proc/sys/fs/dentry-state")
NAME_BYTES = 704  # of a name of 255 bytes: 192 of a dentry, 512 of the text
LOOKUP_S = 5e-7  # system time of a lookup, at least


class Names:
    """The names of each session so far."""

    def __init__(self) -> None:
        self.count = cached_names()
        self.times: dict[Process, float] = {}
        self.names: dict[Process, float] = {}

    def look(self, sessions: Iterable[Process]) -> dict[Process, int]:
        """Share out what the count has grown by since the last look.

        A session gets no more than its system time suffices for, so that other programs on the
        machine do not count as a session's that looked nothing up.

        Returns:
            The bytes of each session's names so far, an upper bound.
        """
        count = cached_names()
        grown, self.count = max(0, count - self.count), count
        times = {process: system_time(process.pid) for process in sessions}
        spent = {
            process: max(0.0, time - self.times.get(process, 0.0))
            for process, time in times.items()
        }
        total = sum(spent.values()) or 1.0
        self.names = {
            process: self.names.get(process, 0.0) + min(grown * took / total, took / LOOKUP_S)
            for process, took in spent.items()
        }
        self.times = times
        return {process: int(names * NAME_BYTES) for process, names in self.names.items()}


def cached_names() -> int:
    """How many names of missing files the kernel holds, or 0 if it does not say; proc(5)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(STATE.read_text().split()[4])
    return 0


def system_time(pid: int) -> float:
    """System time of a process in seconds, or 0 if it has ended; proc_pid_stat(5)."""
    with contextlib.suppress(OSError, IndexError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[12]) / os.sysconf("SC_CLK_TCK")
    return 0.0
