"""Processes that decide hard pairs: warm, as many as there are cores, and killed where they hang.

Any thread may ask; each call has a process to itself. They start on the first pair that needs one,
as programs of their own (nothing is forked from a caller that may hold a GPU), and end with the
caller: at the end of their input, or, in the midst of a pair, at the latest with its limit.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import select
import subprocess
import sys
import threading
from pathlib import Path

LIMIT_S = 5.0  # a pair
START_S = 120.0  # for imports, on a machine that is busy
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
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

    def ask(self, prediction: str, gold: str) -> Verdict:
        """Have a pair decided; a process that ends over it is a verdict too, an undecided one.

        Raises:
            RuntimeError: the process cannot start.
        """
        if not self.ready:
            if self.reply(START_S) is None:
                self.close()
                raise RuntimeError(f"the grading process did not start: {self.process.args}")
            self.ready = True
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps([prediction, gold]).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return self.ended()
        line = self.reply(self.limit_s + 2)
        if line is None:
            return self.ended()
        equal, method, why = json.loads(line)
        return equal, method, why

    def reply(self, within_s: float) -> bytes | None:
        """A line of the process, or None where it has ended or the time is over."""
        assert self.process.stdout
        poll = select.poll()  # unlike select, for any number of open files
        poll.register(self.process.stdout, select.POLLIN | select.POLLHUP)
        if not poll.poll(1000 * within_s):
            return None
        return self.process.stdout.readline() or None

    def ended(self) -> Verdict:
        code = self.close()
        alarm = code in (-14, -9)  # its own, or ours where it was late
        why = f"over {self.limit_s:g} s" if alarm else f"the process ended with status {code}"
        return None, "timeout" if alarm else "crash", why

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
        """Have a pair decided by the next free process. For any thread."""
        worker = self.idle.get()
        try:
            if worker is not None and worker.process.poll() is not None:
                worker.close()  # it was killed from outside while idle
                worker = None
            worker = worker or Worker(self.limit_s)
            verdict = worker.ask(prediction, gold)
            if worker.process.returncode is not None:
                worker = None
            return verdict
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
