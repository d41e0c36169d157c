"""The process that sessions are forked from: it imports libraries once, then forks each session.

`numina.sandbox.zygotes` starts it as a separate single-threaded program with an empty environment;
of numina it imports only `numina.sandbox.jail`. For each new session its control socket receives a
number and two descriptors: a socket for requests and replies, and a pipe for what programs print.
For each session that is over it receives the number again, to kill it. If that ends a block without
a result, it answers with how the session ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gc
import importlib.util
import itertools
import json
import os
import select
import socket
import sys
import threading
from typing import Any

from numina.sandbox.jail import adapt, isolation, seeds, surroundings, temporary, threads
from numina.sandbox.jail.block import report_thread, run_block
from numina.sandbox.jail.files import LIBRARIES, SESSIONS, remove_tree
from numina.sandbox.jail.forks import Sessions
from numina.sandbox.jail.kernel import LINUX
from numina.sandbox.jail.seccomp import filter_program
from numina.sandbox.jail.wire import ORDER, START, read_frame, write_frame

REAP_S, REAP_SOON_S = 1.0, 0.002
FIRST = 40  # a session's descriptors from here on: channel, output, rules

# Environment variables for libraries: none may start a thread or process, which a session
# cannot, show a window, or print its progress.
QUIET = {
    "JOBLIB_MULTIPROCESSING": "0",
    "MPLBACKEND": "Agg",
    "TQDM_DISABLE": "1",
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
    """Import the installed modules that programs use, so that no block pays for it."""
    for name in names:
        if importlib.util.find_spec(name.partition(".")[0]):
            importlib.import_module(name)
    if "sympy" in names:
        sympy: Any = sys.modules["sympy"]
        x = sympy.Symbol("x")
        sympy.factorint(30)  # fills lazily built tables, like the next two lines
        sympy.solve(x**2 - 4)
        sympy.simplify((x**2 - 1) / (x - 1))


def main() -> None:
    """Apply the layers, import, then serve sessions until the caller is gone; then all end."""
    isolation.enlarge_stack()
    control = socket.socket(fileno=int(sys.argv[1]))
    options = read_frame(control.fileno())
    if options is None:
        return
    above, folder = os.path.split(options["folder"])
    isolation.allow_descriptors()
    caller = os.pidfd_open(os.getppid()) if LINUX else None
    way_back = os.open(above, os.O_RDONLY)  # the folder's path is hidden later
    entered = isolation.enter_namespaces()
    outer = os.getpid()
    inner = os.fork()  # the first process of the new PID namespace: all end with it
    if inner:
        control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(inner, 0)
        os.fchdir(way_back)
        remove_tree(folder)  # the caller may be gone
        os._exit(0)
    os.close(way_back)
    isolation.die_with_parent(outer)
    statm = open("/proc/self/statm") if LINUX else None  # noqa: SIM115 (not accessible later)
    layers = dict.fromkeys(isolation.NAMESPACES, entered)
    real = [os.path.realpath(path) for path in options["libraries"]]
    layers["mount_namespace"] = entered and isolation.hide_files(options["folder"] + "/root", real)
    hidden = [f"{LIBRARIES}/{place}" for place in range(len(real))]
    libraries = hidden if layers["mount_namespace"] else options["libraries"]
    if not layers["mount_namespace"]:
        os.unlink(options["code"])  # all of it is imported; a link would reveal its path
    surroundings.settle(libraries, above=options["folder"])
    if not entered:
        surroundings.hide_name(isolation.HOST)
    if not layers["mount_namespace"]:
        surroundings.hide_links()
        temporary.show_as_tmp(options["folder"])
    threads.replace_threads()
    threading.excepthook = report_thread
    adapt.adapt_imports()
    fonts = f"{SESSIONS if layers['mount_namespace'] else options['folder']}/fonts"
    os.environ.update(QUIET, MPLCONFIGDIR=fonts)  # for a font list, removed with the zygote
    preload(STANDARD + options["preload"])
    os.environ.clear()  # not earlier: numpy would start threads
    os.environ.update(QUIET)
    if statm:
        with statm:
            isolation.HELD = isolation.bytes_held(statm)
    for code in ("x = 1", "1 / 0"):  # code that has run here runs faster in every session
        run_block(code, {}, 0)
    filter_program(1, isolation.refused(layers))
    surroundings.first_output()
    gc.collect()
    gc.freeze()  # else the collector would write to, and so copy, every page in each session
    sessions = Sessions(layers, options, libraries)
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
    """Start one; if that fails, the caller sees its channel close and tries again."""
    try:
        channel, output = descriptors  # fewer if this process cannot open more
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
    # Moved through higher numbers, so that none is overwritten before it has moved.
    ends = (channel, output, *(() if folder.rules is None else (folder.rules,)))
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in ends]
    channel, output, *rules = [os.dup2(end, FIRST + place) for place, end in enumerate(moved)]
    os.closerange(3, FIRST)
    os.closerange(FIRST + len(moved), os.sysconf("SC_OPEN_MAX"))
    folder.rules = rules[0] if rules else None
    isolation.confine(sessions.limits, sessions.layers, folder)
    temporary.Shown.folder = folder.path
    os.closerange(FIRST + 2, FIRST + 3)
    write_frame(channel, {"ready": True})
    program = surroundings.main_module()
    for number in itertools.count(1):
        if (request := read_frame(channel)) is None:
            return
        os.dup2(output, 1)  # the last block may have closed or moved them
        os.dup2(output, 2)
        stream = surroundings.first_output() if number == 1 else surroundings.open_output(1)
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = stream
        if number == 1:
            seeds.seed_generators(request["seed"])
        write_frame(channel, answer(request, vars(program), number))


def answer(request: dict[str, Any], names: dict[str, Any], number: int) -> dict[str, Any]:
    """The reply to a request: how its block ended, and the request's token."""
    return run_block(request["code"], names, number) | {"token": request["token"]}


if __name__ == "__main__":
    main()
