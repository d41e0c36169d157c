"""Run one block in a session, and report how it ended."""

from __future__ import annotations

import ast
import contextlib
import linecache
import resource
import signal
import sys
import time
import traceback
from typing import Any

from numina.sandbox.jail import threads, turns
from numina.sandbox.jail.source import parse

KEPT = 8000  # characters of a message or a traceback
AWAIT, COROUTINE = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, 0x80  # as in a notebook; inspect.CO_COROUTINE
FILE = "<block "  # how the file names of blocks begin in tracebacks


def run_block(code: str, names: dict[str, Any], number: int) -> dict[str, Any]:
    """Run one block; the value of a last expression is shown as a REPL shows it.

    Args:
        code: the block.
        names: the session's global names.
        number: its place in the session; tracebacks also show lines of earlier blocks.
    """
    result: dict[str, Any] = {
        "status": "ok",
        "error_type": None,
        "message": None,
        "traceback": None,
    }
    file = f"{FILE}{number}>"
    cpu_start = time.process_time()
    turns.watch()
    try:
        # Run here, not in a function: frames above a program count against its recursion limit.
        linecache.cache[file] = lines_of(code, file)
        tree, read = parse(code, file)
        linecache.cache[file] = lines_of(read, file)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        part = compile(tree, file, "exec", AWAIT)
        value = eval(part, names)
        if part.co_flags & COROUTINE:
            awaited(value)
        if isinstance(last, ast.Expr):
            part = compile(ast.Expression(last.value), file, "eval", AWAIT)
            value = eval(part, names)
            if part.co_flags & COROUTINE:
                value = awaited(value)
            if value is not None:
                print(repr(value))
    except BaseException as error:
        result |= report(error)
    try:
        threads.finish()  # a script also waits for them at its end
    except BaseException as error:
        if result["status"] == "ok":
            result |= report(error)
    sys.settrace(None)
    sys.setprofile(None)
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    turns.stop_watch()
    with contextlib.suppress(BaseException):  # the program may have closed or replaced it
        sys.stdout.flush()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu_s"] = time.process_time() - cpu_start
    result["max_rss_mb"] = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return result


def awaited(value: Any) -> Any:
    """The result of a block that awaits."""
    import asyncio  # not part of every session, which costs time to fork

    return asyncio.run(value)


def lines_of(code: str, file: str) -> tuple[int, None, list[str], str]:
    """The entry of a source in `linecache`."""
    return len(code), None, code.splitlines(keepends=True), file


def report(error: BaseException) -> dict[str, Any]:
    """The report on the exception that ended a block."""
    if isinstance(error, SystemExit):  # a program that exits has finished
        if isinstance(error.code, str):
            with contextlib.suppress(BaseException):
                print(error.code)
        return {}
    return {
        "status": "memory" if isinstance(error, MemoryError) else "error",
        "error_type": shorten(type_name(error)),
        "message": shorten(describe(error)),
        "traceback": shorten(block_traceback(error)),
    }


def type_name(error: BaseException) -> str:
    """The name of its class, whatever a metaclass defines."""
    return type.__dict__["__name__"].__get__(type(error))


def describe(error: BaseException) -> str:
    """The exception's message; its class may be the program's own, whose str can also fail."""
    try:
        return "".join((str(error), ""))  # a plain str, even if it was of a class of the program
    except BaseException:
        return "<message not available>"


def block_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, with only the frames and lines of blocks."""
    try:
        shown = traceback.TracebackException.from_exception(error, compact=True)
        shown.stack = traceback.StackSummary.from_list(
            [frame for frame in shown.stack if frame.filename.startswith(FILE)]
        )
        return "".join(shown.format()).rstrip()
    except BaseException:
        return type_name(error)


def report_thread(args: Any) -> None:
    """As `threading.excepthook`, with only the frames of blocks."""
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread is not None else threads.get_ident()
        print(f"Exception in thread {name}:\n{block_traceback(args.exc_value)}", file=sys.stderr)


def shorten(text: str) -> str:
    """Leave out the middle of a long text; its end matters most."""
    if len(text) <= KEPT:
        return text
    return (
        f"{text[: KEPT // 2]}\n... {len(text) - KEPT} characters left out ...\n{text[-KEPT // 2 :]}"
    )
