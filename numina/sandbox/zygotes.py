"""The caller's hold on a zygote: started, greeted, and started anew when it dies."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import json
import os
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from numina.sandbox.control import Control
from numina.sandbox.jail.files import remove_tree
from numina.sandbox.jail.wire import START, frame
from numina.sandbox.process import Process
from numina.settings.decoding import Sandbox
from numina.settings.hardware import SandboxHardware
from numina.terminal import say

PROGRAM = ["-m", "numina.sandbox.jail.zygote"]
# Not the environment's own, which would tell programs where the environment is.
INTERPRETER = getattr(sys, "_base_executable", None) or sys.executable
PLACES = [*site.getsitepackages(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
PACKAGES = list(dict.fromkeys(os.path.realpath(path) for path in PLACES if os.path.isdir(path)))
START_S = 120.0  # the zygote imports sympy, on a slow disk too


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
        self.layers: dict[str, bool] = {}
        self.launch()
        self.starting = asyncio.create_task(self.serving())

    def launch(self) -> None:
        """Start the process; it serves once `greet` returns."""
        self.folder = tempfile.mkdtemp(prefix="numina-")
        os.mkdir(os.path.join(self.folder, "root"))
        # By links, so that programs do not see where the project and its environment lie.
        os.mkdir(code := os.path.join(self.folder, "code"))
        os.symlink(Path(__file__).parents[1], link := os.path.join(code, "numina"))
        libraries = [
            os.path.join(self.folder, f"packages{place}") for place in range(len(PACKAGES))
        ]
        for package, path in zip(PACKAGES, libraries, strict=True):
            os.symlink(package, path)
        self.control = Control()
        theirs = self.control.theirs.fileno()
        self.process = subprocess.Popen(
            [INTERPRETER, "-sSP", *PROGRAM, str(theirs)],
            pass_fds=[theirs],
            env={
                "PYTHONPATH": os.pathsep.join([code, *libraries]),
                "PYTHONHASHSEED": "0",  # sets print alike each time
                "OPENBLAS_NUM_THREADS": "1",  # no fork survives threads
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.control.theirs.close()
        self.control.socket.settimeout(START_S)
        limits = {
            "memory_mb": self.params.memory_mb,
            "cpu_s": self.params.cpu_s,
            "file_mb": self.params.file_mb,
            "open_files": self.hardware.open_files,
        }
        options = {
            "folder": self.folder,
            "code": link,
            "libraries": libraries,
            "limits": limits,
            "preload": self.preload,
        }
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `greet` sees that
            self.control.socket.sendall(frame(options))

    async def serving(self) -> None:
        """Wait until it serves.

        Raises:
            RuntimeError: it has died.
        """
        await asyncio.to_thread(self.greet)
        self.control.listen()

    def greet(self) -> None:
        line = self.control.socket.makefile("rb").readline()
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
        if self.starting.done() and (self.starting.exception() or self.control.is_gone()):
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
        self.control.close()
        for process in self.spares:
            process.close()
        self.spares.clear()

    def stop(self) -> None:
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        remove_tree(self.folder)

    def spawn(self) -> Process | None:
        """Have a session's process started; None where this process may open no more files."""
        number = next(self.numbers)
        try:
            process = Process(self.control, number)
        except OSError:
            return None
        self.control.order(START, number, [process.theirs.fileno(), process.output_theirs])
        process.handed_over()
        return process

    async def take(self) -> Process | None:
        """A session's process that has started; None where none will start."""
        for attempt in range(3):
            await asyncio.sleep(0.05 * attempt)
            try:
                await self.ready()
            except (RuntimeError, OSError) as error:
                say(f"sandbox: {error}")
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
                    started = await process.replies.get() == {"ready": True} and process.hold()
            return started
        finally:
            if not started:
                process.kill()
