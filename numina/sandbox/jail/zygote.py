"""The process that sessions are forked from: libraries imported once, then a fork a session.

Started by `numina.sandbox.zygotes` as a program of its own, with an empty environment, and single
threaded; of numina it imports the layers alone. Over its control socket it is sent, for each new
session, a number and two descriptors: a socket for requests and replies, and a pipe that takes what
programs print; and, for each session that is over, its number again, to be killed. Where that is to
end a block that told no result, it answers with what became of the session.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gc
import importlib
import itertools
import json
import os
import select
import shutil
import socket
import sys
import types
from typing import Any

from numina.sandbox.jail import isolation
from numina.sandbox.jail.block import run_block
from numina.sandbox.jail.files import remove_tree
from numina.sandbox.jail.forks import Sessions
from numina.sandbox.jail.kernel import LINUX
from numina.sandbox.jail.seccomp import filter_program
from numina.sandbox.jail.wire import ORDER, START, read_frame, write_frame

REAP_S, REAP_SOON_S = 1.0, 0.002
OWN = 40  # a session's own descriptors: its channel, its output, its rules

# What libraries read of the environment: none may start a thread, which a session cannot.
QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}

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
    above, folder = os.path.split(options["folder"])
    isolation.allow_descriptors()
    caller = os.pidfd_open(os.getppid()) if LINUX else None
    way_back = os.open(above, os.O_RDONLY)  # the folder's path is hidden later
    entered = isolation.enter_namespaces()
    outer = os.getpid()
    inner = os.fork()  # the first process of the new PID namespace: its end is everyone's
    if inner:
        control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(inner, 0)
        os.fchdir(way_back)
        remove_tree(folder)  # the caller may not be there to do it
        os._exit(0)
    os.close(way_back)
    isolation.die_with_parent(outer)
    preload(STANDARD + options["preload"])
    os.environ.clear()  # not before: numpy would start threads
    os.environ.update(QUIET)
    # A session may set no mode and no time of a file, so that copies have none to take over.
    shutil.copymode = shutil.copystat = lambda *_, **__: None
    if LINUX:
        isolation.HELD = isolation.pages_held()
    layers = dict.fromkeys(isolation.NAMESPACES, entered)
    layers["mount_namespace"] = entered and isolation.hide_files(options["folder"] + "/root")
    for code in ("x = 1", "1 / 0"):  # what runs here once runs faster in every session
        run_block(code, {}, 0)
    filter_program(1)
    gc.collect()
    gc.freeze()  # else the collector would write to, and so copy, each session's every page
    sessions = Sessions(layers, options)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the caller is gone
            control.sendall(json.dumps(sessions.probe()).encode() + b"\n")
            serve(control, caller, sessions)
    finally:
        sessions.kill_all()


def serve(control: socket.socket, caller: int | None, sessions: Sessions) -> None:
    """Start and kill sessions as the caller orders, until it is gone."""
    watched = [control] if caller is None else [control, caller]
    while True:
        ready, _, _ = select.select(watched, [], [], REAP_SOON_S if sessions.awaited() else REAP_S)
        told = sessions.reap()
        if caller in ready:
            return
        if control in ready:
            order, descriptors, *_ = socket.recv_fds(control, ORDER.size, 2)
            if len(order) < ORDER.size:
                return
            action, number = ORDER.unpack(order)
            if action == START:
                start_session(number, descriptors, sessions)
            else:
                told += sessions.end(number, action)
            for descriptor in descriptors:
                os.close(descriptor)
        if told:
            control.sendall(told)


def start_session(number: int, descriptors: list[int], sessions: Sessions) -> None:
    """Start one; where that fails, the caller sees its channel close, and tries again."""
    try:
        channel, output = descriptors  # fewer came where this process may open no more
        sessions.start(number, functools.partial(serve_session, channel, output, sessions))
    except (OSError, ValueError) as error:
        print(f"sandbox: no new session: {error}", file=sys.stderr)


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
    program = types.ModuleType("__main__")  # pickle looks a program's own classes up there
    sys.modules["__main__"] = program
    for number in itertools.count(1):
        if (request := read_frame(channel)) is None:
            return
        os.dup2(output, 1)  # the last block may have closed or moved them
        os.dup2(output, 2)
        # By lines, so that what was printed before a program dies or is killed is not lost.
        sys.stdout = open(1, "w", 1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 (lives as long as the process)
        sys.stderr = sys.stdout
        reply = run_block(request["code"], vars(program), number)
        reply["token"] = request["token"]
        write_frame(channel, reply)


def seed_generators() -> None:
    """A program that draws random numbers draws the same in every run."""
    sys.modules["random"].seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


if __name__ == "__main__":
    main()
