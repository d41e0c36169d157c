"""The process that programs are forked from: numpy and sympy imported once, then a fork a session.

Started by `numina.sandbox.pool` as a program of its own, with an empty environment, and single
threaded; it imports nothing of numina. Over its control socket it is sent, for each session, two
descriptors: a socket for requests and results, and a pipe that takes what programs print.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import json
import linecache
import os
import resource
import signal
import socket
import sys
import time
import traceback
from typing import Any

BLOCK = "<block>"
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1


def preload() -> None:
    """Import what programs import, so that no block pays for it."""
    import collections
    import fractions
    import functools
    import itertools
    import math

    import mpmath
    import numpy
    import sympy

    sympy.factorint(sympy.Integer(30))  # fills lazily built tables
    sympy.solve(sympy.Symbol("x") ** 2 - 4)
    for module in (collections, fractions, functools, itertools, math, mpmath, numpy):
        sys.modules.setdefault(module.__name__, module)


def main() -> None:
    """Serve sessions until the control socket closes; then all of them end."""
    control = socket.socket(fileno=int(sys.argv[1]))
    preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the sessions
    control.send(b"ready")
    while True:
        request, descriptors, *_ = socket.recv_fds(control, 4096, 2)
        if not request:
            return
        if os.fork() == 0:
            control.close()
            channel, output = descriptors
            serve_session(socket.socket(fileno=channel), output, json.loads(request))
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


def serve_session(channel: socket.socket, output: int, limits: dict[str, Any]) -> None:
    """Run the blocks of one session, which share their names, until the channel closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.environ.get("NUMINA_ISOLATE") == "1":
            libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 (lives as long as the process)
    sys.stderr = sys.stdout
    os.chdir(limits["folder"])
    limit_resources(limits["memory_mb"])
    names: dict[str, Any] = {"__name__": "__main__"}
    requests = channel.makefile("r", encoding="utf-8")
    channel.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
    for line in requests:
        result = run_block(json.loads(line)["code"], names)
        channel.sendall(json.dumps(result).encode() + b"\n")


def limit_resources(memory_mb: int) -> None:
    """Limits that the kernel keeps; memory counts from what the zygote already holds."""
    held = 0
    if os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm") as statm:
            held = int(statm.read().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_AS: held + memory_mb * 2**20,
        resource.RLIMIT_FSIZE: 16 * 2**20,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        with contextlib.suppress(ValueError, OSError):  # e.g. macOS has no RLIMIT_AS to set
            resource.setrlimit(kind, (limit, limit))


def run_block(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run one block; the value of a last expression is shown as a REPL shows it."""
    linecache.cache[BLOCK] = (len(code), None, code.splitlines(keepends=True), BLOCK)
    start, cpu_start = time.monotonic(), time.process_time()
    result: dict[str, Any] = {
        "status": "ok",
        "error_type": None,
        "message": None,
        "traceback": None,
    }
    try:
        tree = ast.parse(code, BLOCK)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, BLOCK, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), BLOCK, "eval"), names)
            if value is not None:
                print(repr(value))
    except SystemExit:
        pass  # a program that says it is finished is finished
    except BaseException as error:
        result |= {
            "status": "memory" if isinstance(error, MemoryError) else "error",
            "error_type": type(error).__name__,
            "message": describe(error),
            "traceback": block_traceback(error),
        }
    with contextlib.suppress(BaseException):  # the program may have closed or replaced it
        sys.stdout.flush()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result["wall_s"] = time.monotonic() - start
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
    except BaseException:
        return type(error).__name__
    shown.stack = traceback.StackSummary.from_list(
        [frame for frame in shown.stack if frame.filename == BLOCK]
    )
    return "".join(shown.format()).rstrip()


if __name__ == "__main__":
    main()
