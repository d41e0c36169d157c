"""The sessions that a zygote has forked: their processes and folders, from start to end."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numina.sandbox.jail import isolation
from numina.sandbox.jail.files import SESSIONS
from numina.sandbox.jail.wire import END, ENDED, KILL

PROBE = 0  # the number of the session that is none of the caller's
RSS_UNITS = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss, in one MiB


@dataclass(slots=True)
class Alive:
    """A session's process, its folder, and what was ordered for its end."""

    pid: int
    folder: isolation.Folder
    order: bytes = b""


class Sessions:
    """The sessions that are alive, and the folders that wait for the next."""

    def __init__(
        self, layers: dict[str, bool], options: dict[str, Any], libraries: Sequence[str]
    ) -> None:
        self.libraries = libraries
        self.limits = isolation.Limits(**options["limits"])
        self.layers = layers
        self.zygote = os.getpid()
        self.home = SESSIONS if layers["mount_namespace"] else options["folder"]
        self.flags = isolation.NEWPID if layers["pid_namespace"] else 0
        self.alive: dict[int, Alive] = {}
        self.died: dict[int, bytes] = {}  # of themselves: what became of each, to be told
        self.free: list[isolation.Folder] = []

    def folder(self) -> isolation.Folder:
        """An empty folder, with a name that no other session can guess."""
        if self.free:
            return self.free.pop()
        path = os.path.join(self.home, os.urandom(8).hex())
        mounted = self.layers["mount_namespace"]
        return isolation.Folder(path, self.limits.file_mb, mounted, self.libraries)

    def start(self, number: int, run: Callable[[isolation.Folder], None]) -> None:
        """Fork a session.

        Raises:
            OSError: the machine has no room for one more.
        """
        folder = self.folder()
        try:
            pid = isolation.fork(self.flags)
        except OSError:
            self.free.append(folder)
            raise
        if pid == 0:
            try:
                run(folder)
            finally:
                os._exit(0)
        self.alive[number] = Alive(pid, folder)

    def end(self, number: int, order: bytes) -> bytes:
        """Kill a session, which leads a process group; later, `reap` sees it ended.

        Returns:
            What became of it, where it had died before and that is asked for.
        """
        if number not in self.alive:
            gone = self.died.pop(number, ENDED.pack(number, 0, 0.0, 0.0))
            return gone if order == END else b""
        session = self.alive[number]
        session.order = order
        for send in (os.killpg, os.kill):  # it may not have made its group yet
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(session.pid, signal.SIGKILL)
        return b""

    def awaited(self) -> bool:
        """Whether the caller waits for the end of one."""
        return any(session.order == END for session in self.alive.values())

    def reap(self, wait: int = os.WNOHANG) -> bytes:
        """Forget the sessions that have ended, and each folder that was not left as it was.

        Returns:
            What became of those whose end was asked for.
        """
        ended: dict[int, tuple[int, resource.struct_rusage]] = {}
        with contextlib.suppress(ChildProcessError):
            while (found := os.wait4(-1, wait))[0] != 0:
                ended[found[0]] = found[1:]
        told = b""
        for number, session in list(self.alive.items()) if ended else ():
            if session.pid not in ended:
                continue
            del self.alive[number]
            status, used = ended[session.pid]
            cpu_s, rss = used.ru_utime + used.ru_stime, used.ru_maxrss
            became = ENDED.pack(number, os.waitstatus_to_exitcode(status), cpu_s, rss / RSS_UNITS)
            if session.order == END:
                told += became
            elif not session.order:
                self.died[number] = became
            if session.folder.as_new():
                self.free.append(session.folder)
            else:
                session.folder.remove()
        return told

    def kill_all(self) -> None:
        """Leave none alive, and nothing of theirs."""
        for number in self.alive:
            self.end(number, KILL)
        self.reap(wait=0)
        for folder in self.free:
            folder.remove()

    def probe(self) -> dict[str, bool]:
        """Which layers a session gets, seen on one that does nothing else."""
        read_end, write_end = os.pipe()

        def report(folder: isolation.Folder) -> None:
            found = isolation.confine(self.limits, self.layers, folder)
            os.write(write_end, json.dumps(found).encode())

        self.start(PROBE, report)
        self.alive[PROBE].order = KILL  # nobody will ask for it
        os.close(write_end)
        with open(read_end) as reader:
            answer = reader.read()
        return json.loads(answer) if answer else dict.fromkeys(isolation.LAYERS, False)
