"""The caller's hold on a zygote: started, greeted, and started anew when it dies."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from numina.sandbox.files import remove_tree
from numina.sandbox.process import Process
from numina.sandbox.wire import END, ENDED, KILL, ORDER, START
from numina.settings.decoding import Sandbox
from numina.settings.hardware import SandboxHardware

PROGRAM = ["-m", "numina.sandbox.zygote"]
START_S = 120.0  # the zygote imports sympy, on a slow disk too
END_S = 5.0  # a killed session gives back its memory first


class Ended(NamedTuple):
    """What became of a session: negative exit codes are signals."""

    exit_code: int
    cpu_s: float
    max_rss_mb: float


class Zygote:
    """A warm interpreter that sessions are forked from, started anew when it dies.

    Args:
        params, hardware: the limits of its sessions.
        preload: modules that it imports beside the standard ones.
        ahead: sessions kept started before they are asked for.

    Attributes:
        layers: by name, whether it is on; known once `ready` has returned.
    """

    def __init__(
        self, params: Sandbox, hardware: SandboxHardware, preload: Sequence[str], ahead: int
    ) -> None:
        self.params, self.hardware = params, hardware
        self.preload, self.ahead = preload, ahead
        self.numbers = itertools.count(1)
        self.spares: collections.deque[Process] = collections.deque()
        self.ending: dict[int, asyncio.Future[Ended | None]] = {}
        self.told = b""
        self.layers: dict[str, bool] = {}
        self.launch()
        self.starting = asyncio.create_task(self.serving())

    def launch(self) -> None:
        """Start the process; it serves once `greet` returns."""
        self.folder = tempfile.mkdtemp(prefix="numina-")
        os.mkdir(os.path.join(self.folder, "root"))
        self.control, theirs = socket.socketpair()
        limits = {
            "memory_mb": self.params.memory_mb,
            "cpu_s": self.params.cpu_s,
            "file_mb": self.params.file_mb,
            "open_files": self.hardware.open_files,
        }
        options = {"folder": self.folder, "limits": limits, "preload": self.preload}
        self.process = subprocess.Popen(
            [sys.executable, "-sP", *PROGRAM, str(theirs.fileno()), json.dumps(options)],
            pass_fds=[theirs.fileno()],
            env={
                "PYTHONPATH": str(Path(__file__).parents[2]),  # this very numina
                "PYTHONHASHSEED": "0",  # sets print alike each time
                "OPENBLAS_NUM_THREADS": "1",  # no fork survives threads
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.control.settimeout(START_S)

    async def serving(self) -> None:
        """Wait until it serves.

        Raises:
            RuntimeError: it has died.
        """
        await asyncio.to_thread(self.greet)
        asyncio.get_running_loop().add_reader(self.control, self._on_control)

    def greet(self) -> None:
        line = self.control.makefile("rb").readline()
        if not line:
            raise RuntimeError(f"the sandbox did not start (exit status {self.process.wait()})")
        self.layers = json.loads(line)

    async def ready(self) -> None:
        """Wait until it serves; where it is gone, start it anew.

        All callers wait for one and the same start, which goes on when one of them is cancelled.

        Raises:
            RuntimeError: it has died.
            OSError: it cannot be started.
        """
        if self.starting.done() and (self.starting.exception() or self.is_gone()):
            self.forget()
            self.starting = asyncio.create_task(self.start_anew())
        await asyncio.shield(self.starting)

    async def start_anew(self) -> None:
        await asyncio.to_thread(self.stop)
        self.launch()
        await self.serving()

    async def close(self) -> None:
        """End it, and its sessions with it."""
        serving = self.starting.done() and not self.starting.exception()
        self.starting.cancel()
        await asyncio.wait([self.starting])
        self.forget()
        if not serving:
            self.process.kill()  # it imports, and would not see that it is to end
        await asyncio.to_thread(self.stop)

    def forget(self) -> None:
        """Give up all that hangs on a process that is gone or soon will be."""
        asyncio.get_running_loop().remove_reader(self.control)
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for the greeting
        self.control.close()
        for process in self.spares:
            process.close()
        self.spares.clear()
        self._nothing_more_to_tell()

    def stop(self) -> None:
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        remove_tree(self.folder)

    def order(self, action: bytes, number: int, descriptors: Sequence[int] = ()) -> None:
        """Send an order; where it is gone, its sessions are too, and `take` starts it anew."""
        with contextlib.suppress(OSError):
            socket.send_fds(self.control, [ORDER.pack(action, number)], descriptors)

    def is_gone(self) -> bool:
        """Whether it has ended, and so hung up."""
        if self.control.fileno() < 0:
            return True
        watch = select.poll()
        watch.register(self.control, 0)
        return bool(watch.poll(0))

    def _on_control(self) -> None:
        part = b""
        with contextlib.suppress(OSError):
            part = self.control.recv(65536)
        if not part:
            asyncio.get_running_loop().remove_reader(self.control)
            self._nothing_more_to_tell()
        self.told += part
        while len(self.told) >= ENDED.size:
            number, *became = ENDED.unpack_from(self.told)
            self.told = self.told[ENDED.size :]
            if (waiting := self.ending.get(number)) and not waiting.done():
                waiting.set_result(Ended(*became))

    def _nothing_more_to_tell(self) -> None:
        self.told = b""
        for waiting in self.ending.values():
            if not waiting.done():
                waiting.set_result(None)

    def kill(self, number: int) -> None:
        """Kill a session."""
        self.order(KILL, number)

    async def end(self, number: int) -> Ended | None:
        """Kill a session, and learn what became of it; None where that cannot be learnt."""
        if self.is_gone():
            return None
        waiting = self.ending[number] = asyncio.get_running_loop().create_future()
        self.order(END, number)
        try:
            async with asyncio.timeout(END_S):
                return await waiting
        except TimeoutError:
            return None
        finally:
            del self.ending[number]

    def spawn(self) -> Process | None:
        """Have a session's process started; None where this process may open no more files."""
        number = next(self.numbers)
        try:
            process = Process(self, number)
        except OSError:
            return None
        self.order(START, number, [process.theirs.fileno(), process.output_theirs])
        process.handed_over()
        return process

    async def take(self) -> Process | None:
        """A session's process that has started; None where none will start."""
        for attempt in range(3):
            await asyncio.sleep(0.05 * attempt)
            try:
                await self.ready()
            except (RuntimeError, OSError) as error:
                print(f"sandbox: {error}", file=sys.stderr)
                continue
            process = self.spares.popleft() if self.spares else self.spawn()
            while len(self.spares) < self.ahead and (spare := self.spawn()):
                self.spares.append(spare)
            if process is not None and await self.has_started(process):
                return process
        return None

    async def has_started(self, process: Process) -> bool:
        """Wait until it has; it is killed if not, and if the caller is cancelled meanwhile."""
        started = False
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_S):
                    started = await process.replies.get() == {"ready": True} and process.is_alive()
            return started
        finally:
            if not started:
                process.kill()
