"""Processes that decide hard pairs: warm, as many as there are cores, and killed where they hang.

Any thread may ask; each call has a process to itself. They start on the first pair that needs one,
as programs of their own (nothing is forked from a caller that may hold a GPU), and end with the
caller: at the end of their input, in the midst of a pair too.

Why not a library such as pebble: its limits are wall-clock time, so that a busy machine would
change verdicts; its workers start from the caller's main module, which a notebook or a script
without a guard does not survive; and a caller that is killed leaves one that hangs behind.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from numina.machine import CORES

LIMIT_S = 5.0  # of processor time, a request
WALL = 30  # times as long by the clock, for a process that waits and does not work
START_S = 120.0  # for imports, on a machine that is busy
ROOT = Path(__file__).parents[2]

Verdict = tuple[bool | None, str, str]  # equal, method, why


class Worker:
    """One process. Not for two threads at once."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "numina.answer.worker", str(limit_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.ready = False
        self.stuck = False

    def ask(self, texts: list[str]) -> Any:
        """The reply to a request; None where the process ended over it.

        Raises:
            RuntimeError: the process cannot start.
        """
        if not self.ready:
            if not self.reply(START_S):
                self.close()
                raise RuntimeError(f"the grading process did not start: {self.process.args}")
            self.ready = True
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(texts).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        line = self.reply(WALL * self.limit_s)
        self.stuck = line is None
        return json.loads(line) if line else None

    def reply(self, within_s: float) -> bytes | None:
        """A line of the process; empty where it has ended, None where the time is over."""
        assert self.process.stdout
        poll = select.poll()  # unlike select, for any number of open files
        poll.register(self.process.stdout, select.POLLIN | select.POLLHUP)
        if not poll.poll(1000 * within_s):
            return None
        return self.process.stdout.readline()

    def ended(self) -> Verdict:
        """What became of the process, as a verdict."""
        stuck, code = self.stuck, self.close()
        if code == -signal.SIGPROF:
            return None, "timeout", f"over {self.limit_s:g} s of processor time"
        if stuck:
            return None, "timeout", f"no reply within {WALL * self.limit_s:g} s"
        return None, "crash", f"the process ended with status {code}"

    def close(self) -> int:
        """Kill the process where it still runs; its status."""
        code = self.process.poll()
        if code is None and self.ready:
            try:
                code = self.process.wait(0.2)
            except subprocess.TimeoutExpired:
                code = None
        if code is None:
            self.process.kill()
            code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        return code


class GradingPool:
    """Up to `size` processes, started as they are needed."""

    def __init__(self, size: int = CORES, limit_s: float = LIMIT_S) -> None:
        self.limit_s = limit_s
        self.idle: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self.idle.put(None)

    def decide(self, prediction: str, gold: str) -> Verdict:
        """Have a pair decided by the next free process. For any thread.

        A process that ends over it is a verdict too, an undecided one.
        """
        reply, verdict = self.ask([prediction, gold])
        return verdict if reply is None else tuple(reply)

    def canonical(self, answer: str) -> str | None:
        """The canonical form of an answer, or None where it took a process too long."""
        reply, _ = self.ask([answer])
        return None if reply is None else reply[0]

    def ask(self, texts: list[str]) -> tuple[Any, Verdict]:
        """The reply of the next free process; or None, and what became of that process."""
        worker = self.idle.get()
        ended: Verdict = None, "", ""
        try:
            if worker is not None and worker.process.poll() is not None:
                worker.close()  # it was killed from outside while idle
                worker = None
            worker = worker or Worker(self.limit_s)
            reply = worker.ask(texts)
            if reply is None:
                ended = worker.ended()
                worker = None
            return reply, ended
        except BaseException:
            if worker is not None:
                worker.close()
                worker = None
            raise
        finally:
            self.idle.put(worker)

    def close(self) -> None:
        """End the idle processes."""
        for _ in range(self.idle.qsize()):
            worker = self.idle.get()
            if worker is not None:
                worker.process.kill()
                worker.close()
            self.idle.put(None)


shared: GradingPool | None = None
lock = threading.Lock()


def shared_pool() -> GradingPool:
    """The pool of this process."""
    global shared
    with lock:
        if shared is None:
            shared = GradingPool()
            atexit.register(shared.close)
        return shared


def forget() -> None:
    """In a fork the pool is the parent's: take neither its pipes nor its lock."""
    global shared, lock
    shared, lock = None, threading.Lock()


os.register_at_fork(after_in_child=forget)
