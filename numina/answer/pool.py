"""Processes that decide hard pairs: warm, as many as there are cores, and killed if they hang.

Any thread may call; each call has a process to itself. The processes start on the first pair that
needs one. They are separate programs (nothing is forked from a caller that may hold a GPU) and end
with the caller: at the end of their input, even in the middle of a pair.

Why not a library such as pebble: its limits are wall-clock time, so a busy machine would change
verdicts; its workers start from the caller's main module, which fails in a notebook or in a script
without a guard; and if the caller is killed, a worker that hangs stays behind.
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
WALL = 30  # times LIMIT_S of wall-clock time, for a process that waits and does not work
START_S = 120.0  # for imports, on a machine that is busy
ROOT = Path(__file__).parents[2]

Verdict = tuple[bool | None, str, str]  # equal, method, why


class Worker:
    """One process. Not for two threads at once."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.lifeline: int | None
        theirs, self.lifeline = os.pipe()  # closed by the kernel if this process dies
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "numina.answer.worker", str(limit_s), str(theirs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=[theirs],
            )
        except BaseException:
            os.close(self.lifeline)
            raise
        finally:
            os.close(theirs)
        self.ready = False
        self.stuck = False

    def ask(self, texts: list[str]) -> Any:
        """The reply to a request; None if the process ended before replying.

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
        """A line of the process; empty if it has ended, None if the time is over."""
        assert self.process.stdout
        poll = select.poll()  # unlike select, for any number of open files
        poll.register(self.process.stdout, select.POLLIN | select.POLLHUP)
        if not poll.poll(1000 * within_s):
            return None
        return self.process.stdout.readline()

    def ended(self) -> Verdict:
        """How the process ended, as a verdict."""
        stuck, code = self.stuck, self.close()
        if code == -signal.SIGPROF:
            return None, "timeout", f"over {self.limit_s:g} s of processor time"
        if stuck:
            return None, "timeout", f"no reply within {WALL * self.limit_s:g} s"
        return None, "crash", f"the process ended with status {code}"

    def close(self) -> int:
        """Kill the process if it still runs; return its status."""
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
            if pipe and not pipe.closed:
                pipe.close()
        if self.lifeline is not None:
            os.close(self.lifeline)
            self.lifeline = None
        return code


class GradingPool:
    """Up to `size` processes, started as they are needed."""

    def __init__(self, size: int = CORES, limit_s: float = LIMIT_S) -> None:
        self.limit_s = limit_s
        self.idle: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self.idle.put(None)

    def decide(self, prediction: str, gold: str) -> Verdict:
        """Have a pair decided by the next free process. Can be called from any thread.

        If the process ends before replying, the pair is undecided.
        """
        reply, verdict = self.ask([prediction, gold])
        return verdict if reply is None else tuple(reply)

    def families(self, prediction: str, gold: str) -> Verdict:
        """As `decide`, only for sets with a parameter; the method of others is ``other``."""
        reply, verdict = self.ask([prediction, gold, "families"])
        return verdict if reply is None else tuple(reply)

    def canonical(self, answer: str) -> str | None:
        """The canonical form of an answer, or None if it took a process too long."""
        reply, _ = self.ask([answer])
        return None if reply is None else reply[0]

    def ask(self, texts: list[str]) -> tuple[Any, Verdict]:
        """The reply of the next free process; or None, and how that process ended."""
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
    """In a fork the pool belongs to the parent: do not use its pipes or its lock."""
    global shared, lock
    shared, lock = None, threading.Lock()


os.register_at_fork(after_in_child=forget)
