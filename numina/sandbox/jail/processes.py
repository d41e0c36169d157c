"""Emulate `multiprocessing` with the threads of a session.

A session cannot start a process. Each of its "processes" is one of the threads that take turns
(`numina.sandbox.jail.threads`). It gets copies of its arguments (`copies`), so that the usual
programs (a pool that maps a function; workers that answer by a queue) print the same results.
Unlike with real processes, all of them see what a worker writes to global variables. Managers are
the real ones: their server is such a process, and they reach it by `channels`.
"""

from __future__ import annotations

import copy
import itertools
import sys
import threading
from collections.abc import Callable
from typing import Any

from numina.sandbox.jail import threads, turns
from numina.sandbox.jail.block import block_traceback
from numina.sandbox.jail.channels import Connection, ProcessQueue, pipe
from numina.sandbox.jail.copies import copied


class Started:
    """A started process, with the interface that `Process` needs."""

    pids = itertools.count(2)

    def __init__(self, process: Any) -> None:
        self.returncode: int | None = None
        self.pid = next(self.pids)
        self.sentinel = self
        self.ended = threading.Event()
        self.connections: list[Connection] = []
        child = copy.copy(process)  # the caller's loses its arguments
        for name, value in vars(process).items():
            if not name.startswith("_") or name in ("_args", "_kwargs"):
                setattr(child, name, self.copy(value))
        # Like daemons, managers end with the program.
        waits = not process.daemon and getattr(process._target, "__name__", "") != "_run_server"
        self.running = threads.start(lambda: self.run(child), keeps_block=waits)
        self.running.process = child

    def copy(self, value: Any) -> Any:
        """A copy for the process; what cannot be copied is shared."""
        found = copied(value, self.connections)
        if found is value and isinstance(value, tuple):
            return tuple(copied(item, self.connections) for item in value)
        return found

    def run(self, process: Any) -> None:
        code = 1
        try:
            process.run()
            code = 0
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else 1 if leave.code else 0
        except Exception as error:
            print(f"Process {process.name}:\n{block_traceback(error)}", file=sys.stderr)
        finally:
            self.end(code)

    def end(self, code: int) -> None:
        if self.returncode is None:
            self.returncode = code
        for connection in self.connections:
            connection.close()
        self.ended.set()

    def ready(self) -> bool:
        """Whether it has ended; see `channels.wait`."""
        return self.returncode is not None

    def poll(self) -> int | None:
        turns.give_way()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        self.ended.wait(timeout)
        return self.returncode

    def terminate(self) -> None:
        if self.returncode is None:
            threads.stop(self.running)
            self.end(-15)

    def kill(self) -> None:
        if self.returncode is None:
            threads.stop(self.running)
            self.end(-9)

    def close(self) -> None: ...


def replace_contexts(context: Any) -> None:
    """Make `multiprocessing` use these, through its module `context`."""
    first = context.process.current_process
    context.process.current_process = lambda: threads.current_process() or first()
    made: dict[str, Callable[..., Any]] = {
        "Pipe": pipe,
        "Queue": ProcessQueue,
        "JoinableQueue": ProcessQueue,
        "SimpleQueue": ProcessQueue,
        "current_process": context.process.current_process,
    }
    for name, make in made.items():
        setattr(context.BaseContext, name, staticmethod(make))
    kinds = (context.Process, context.ForkProcess, context.SpawnProcess, context.ForkServerProcess)
    for kind in kinds:
        kind._Popen = staticmethod(Started)
