"""The process that sessions are forked from: libraries imported once, then a fork a session.

Started by `numina.sandbox.pool` as a program of its own, with an empty environment, and single
threaded; of numina it imports the layers alone. Over its control socket it is sent, for each new
session, a number and two descriptors: a socket for requests and replies, and a pipe that takes what
programs print; and, for each session that is over, its number again, to be killed.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import functools
import gc
import importlib
import json
import linecache
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from numina.sandbox import isolation
from numina.sandbox.kernel import LINUX
from numina.sandbox.seccomp import filter_program

BLOCK = "<block>"
KEPT = 8000  # characters of a message or a traceback
ORDER = struct.Struct("<cI")  # b"S" (start) or b"K" (kill), and the number of a session
SIZE = struct.Struct("<I")  # before each request and each reply
OWN = 40  # a session's own descriptors: its channel, its output, its rules

STANDARD = [
    *("collections", "datetime", "decimal", "fractions", "functools", "heapq", "itertools"),
    *("math", "operator", "random", "re", "statistics", "string"),
]


def preload(names: list[str]) -> None:
    """Import what programs import, so that no block pays for it."""
    for name in names:
        importlib.import_module(name)
    if "sympy" in names:
        sympy: Any = sys.modules["sympy"]
        x = sympy.Symbol("x")
        sympy.factorint(30)  # fills lazily built tables, as the next two lines do
        sympy.solve(x**2 - 4)
        sympy.simplify((x**2 - 1) / (x - 1))


def main() -> None:
    """Put on the layers, import, then serve sessions until the caller is gone; all end with it."""
    control = socket.socket(fileno=int(sys.argv[1]))
    options = json.loads(sys.argv[2])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    caller = os.pidfd_open(os.getppid()) if LINUX else None
    entered = isolation.enter_namespaces()
    outer = os.getpid() if entered else os.getppid()
    if entered:
        inner = os.fork()  # the first process of the new PID namespace: its end is everyone's
        if inner:
            control.close()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(inner, 0)
            os._exit(0)
    isolation.die_with_parent(outer)
    preload(STANDARD + options["preload"])
    os.environ.clear()  # not before: numpy would start threads
    if LINUX:
        isolation.HELD = isolation.pages_held()
    layers = dict.fromkeys(isolation.NAMESPACES, entered)
    layers["mount_namespace"] = entered and isolation.hide_files(options["folder"] + "/root")
    for code in ("x = 1", "1 / 0"):  # what runs here once runs faster in every session
        run_block(code, {})
    filter_program(1)
    gc.collect()
    gc.freeze()  # else the collector would write to, and so copy, each session's every page
    sessions = Sessions(layers, options)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the caller is gone
        control.sendall(json.dumps(sessions.probe()).encode() + b"\n")
        serve(control, caller, sessions)


class Sessions:
    """The sessions that are alive, and the folders that wait for the next."""

    def __init__(self, layers: dict[str, bool], options: dict[str, Any]) -> None:
        self.limits = isolation.Limits(**options["limits"])
        self.layers = layers
        self.zygote = os.getpid()
        self.home = isolation.SESSIONS if layers["mount_namespace"] else options["folder"]
        self.flags = isolation.NEWPID if layers["pid_namespace"] else 0
        self.alive: dict[int, tuple[int, isolation.Folder]] = {}
        self.free: list[isolation.Folder] = []
        self.made = 0

    def folder(self) -> isolation.Folder:
        """An empty folder."""
        if self.free:
            return self.free.pop()
        self.made += 1
        path = os.path.join(self.home, str(self.made))
        return isolation.Folder(path, self.limits.file_mb, self.layers["mount_namespace"])

    def start(self, number: int, run: Callable[[isolation.Folder], None]) -> None:
        """Fork a session.

        Raises:
            OSError: the machine has no room for one more.
        """
        folder = self.folder()
        pid = isolation.fork(self.flags)
        if pid == 0:
            try:
                run(folder)
            finally:
                os._exit(0)
        self.alive[number] = (pid, folder)

    def kill(self, number: int) -> None:
        """Kill a session, which leads a process group; later, `reap` sees it ended."""
        pid, _ = self.alive.get(number, (0, None))
        if pid:
            for send in (os.killpg, os.kill):  # it may not have made its group yet
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    send(pid, signal.SIGKILL)

    def reap(self) -> None:
        """Forget the sessions that have ended, and each folder that one left files in."""
        ended = set()
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                ended.add(pid)
        for number, (pid, folder) in list(self.alive.items()) if ended else ():
            if pid in ended:
                del self.alive[number]
                if folder.as_new():
                    self.free.append(folder)
                else:
                    folder.remove()

    def probe(self) -> dict[str, bool]:
        """Which layers a session gets, seen on one that does nothing else."""
        read_end, write_end = os.pipe()

        def report(folder: isolation.Folder) -> None:
            found = isolation.confine(self.limits, self.layers, folder)
            os.write(write_end, json.dumps(found).encode())

        self.start(-1, report)
        os.close(write_end)
        with open(read_end) as reader:
            answer = reader.read()
        return json.loads(answer) if answer else dict.fromkeys(isolation.LAYERS, False)


def serve(control: socket.socket, caller: int | None, sessions: Sessions) -> None:
    """Start and kill sessions as the caller orders, until it is gone."""
    watched = [control] if caller is None else [control, caller]
    while True:
        ready, _, _ = select.select(watched, [], [], 1.0)
        sessions.reap()
        if caller in ready:
            return
        if control not in ready:
            continue
        order, descriptors, *_ = socket.recv_fds(control, ORDER.size, 2)
        if len(order) < ORDER.size:
            return
        action, number = ORDER.unpack(order)
        if action == b"K":
            sessions.kill(number)
            continue
        channel, output = descriptors
        run = functools.partial(serve_session, channel, output, sessions)
        try:
            sessions.start(number, run)
        except OSError as error:  # the caller sees the session's channel close, and tries again
            print(f"sandbox: no new session: {error}", file=sys.stderr)
        for descriptor in descriptors:
            os.close(descriptor)


def serve_session(channel: int, output: int, sessions: Sessions, folder: isolation.Folder) -> None:
    """Run the blocks of one session, which share their names, until the channel closes."""
    isolation.die_with_parent(sessions.zygote)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # By way of numbers above, so that none is overwritten before it has moved.
    ends = (channel, output, *(() if folder.rules is None else (folder.rules,)))
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in ends]
    channel, output, *rules = [os.dup2(end, OWN + place) for place, end in enumerate(moved)]
    os.closerange(3, OWN)
    os.closerange(OWN + len(moved), os.sysconf("SC_OPEN_MAX"))
    folder.rules = rules[0] if rules else None
    isolation.confine(sessions.limits, sessions.layers, folder)
    os.closerange(OWN + 2, OWN + 3)
    seed_generators()
    write_frame(channel, {"ready": True})
    names: dict[str, Any] = {"__name__": "__main__"}
    while (request := read_frame(channel)) is not None:
        os.dup2(output, 1)  # the last block may have closed or moved them
        os.dup2(output, 2)
        sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 (lives as long as the process)
        sys.stderr = sys.stdout
        reply = run_block(request["code"], names)
        reply["token"] = request["token"]
        write_frame(channel, reply)


def write_frame(channel: int, reply: dict[str, Any]) -> None:
    """Send a reply."""
    frame = json.dumps(reply).encode()
    os.write(channel, SIZE.pack(len(frame)) + frame)


def seed_generators() -> None:
    """A program that draws random numbers draws the same in every run."""
    sys.modules["random"].seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


def read_frame(channel: int) -> Any:
    """The next request; None where there is none any more."""
    head = read_exactly(channel, SIZE.size)
    body = read_exactly(channel, SIZE.unpack(head)[0]) if head else b""
    return json.loads(body) if body else None


def read_exactly(channel: int, size: int) -> bytes:
    """Bytes of a known number; fewer, or none, where the other side has closed."""
    found = b""
    while len(found) < size and (part := os.read(channel, size - len(found))):
        found += part
    return found if len(found) == size else b""


def run_block(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run one block; the value of a last expression is shown as a REPL shows it."""
    result: dict[str, Any] = {
        "status": "ok",
        "error_type": None,
        "message": None,
        "traceback": None,
    }
    cpu_start = time.process_time()
    try:
        lines = code.splitlines(keepends=True)
        linecache.cache[BLOCK] = (len(code), None, lines, BLOCK)
        tree = ast.parse(code, BLOCK)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, BLOCK, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), BLOCK, "eval"), names)
            if value is not None:
                print(repr(value))
    except SystemExit as leave:  # a program that says it is finished is finished
        if isinstance(leave.code, str):
            with contextlib.suppress(BaseException):
                print(leave.code)
    except BaseException as error:
        result |= {
            "status": "memory" if isinstance(error, MemoryError) else "error",
            "error_type": type(error).__name__,
            "message": shorten(describe(error)),
            "traceback": shorten(block_traceback(error)),
        }
    sys.settrace(None)
    sys.setprofile(None)
    signal.setitimer(signal.ITIMER_REAL, 0)
    with contextlib.suppress(BaseException):  # the program may have closed or replaced it
        sys.stdout.flush()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu_s"] = time.process_time() - cpu_start
    result["max_rss_mb"] = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return result


def describe(error: BaseException) -> str:
    """The exception's message; it may be the program's own class, whose str can fail too."""
    try:
        return str(error)
    except BaseException:
        return "<message not available>"


def block_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, with the block's own frames and lines alone."""
    try:
        shown = traceback.TracebackException.from_exception(error, compact=True)
        shown.stack = traceback.StackSummary.from_list(
            [frame for frame in shown.stack if frame.filename == BLOCK]
        )
        return "".join(shown.format()).rstrip()
    except BaseException:
        return type(error).__name__


def shorten(text: str) -> str:
    """A text with its middle left out where it is long; its end says most."""
    if len(text) <= KEPT:
        return text
    return (
        f"{text[: KEPT // 2]}\n... {len(text) - KEPT} characters left out ...\n{text[-KEPT // 2 :]}"
    )


if __name__ == "__main__":
    main()
