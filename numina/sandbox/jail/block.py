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

from numina.sandbox.jail import threads
from numina.sandbox.jail.source import parse

KEPT = 8000  # characters of a message or a traceback
FILE = "<block "  # how the file names of blocks begin, in tracebacks


def run_block(code: str, names: dict[str, Any], number: int) -> dict[str, Any]:
    """Run one block; the value of a last expression is shown as a REPL shows it.

    Args:
        code: the block.
        names: the session's.
        number: its place in the session; tracebacks show lines of earlier blocks too.
    """
    result: dict[str, Any] = {
        "status": "ok",
        "error_type": None,
        "message": None,
        "traceback": None,
    }
    file = f"{FILE}{number}>"
    cpu_start = time.process_time()
    try:
        # Run here and not in a function: frames above a program count for its depth of recursion.
        linecache.cache[file] = lines_of(code, file)
        tree, read = parse(code, file)
        linecache.cache[file] = lines_of(read, file)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, file, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), file, "eval"), names)
            if value is not None:
                print(repr(value))
    except BaseException as error:
        result |= report(error)
    try:
        threads.finish()  # as a script waits at its end
    except BaseException as error:
        if result["status"] == "ok":
            result |= report(error)
    sys.settrace(None)
    sys.setprofile(None)
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    with contextlib.suppress(BaseException):  # the program may have closed or replaced it
        sys.stdout.flush()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu_s"] = time.process_time() - cpu_start
    result["max_rss_mb"] = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return result


def lines_of(code: str, file: str) -> tuple[int, None, list[str], str]:
    """What `linecache` keeps of a source."""
    return len(code), None, code.splitlines(keepends=True), file


def report(error: BaseException) -> dict[str, Any]:
    """What is told of the exception that ended a block."""
    if isinstance(error, SystemExit):  # a program that says it is finished is finished
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
    """The name of its class, past what a metaclass may say."""
    return type.__dict__["__name__"].__get__(type(error))


def describe(error: BaseException) -> str:
    """The exception's message; it may be the program's own class, whose str can fail too."""
    try:
        return "".join((str(error), ""))  # a str of ours, where it was of a class of the program's
    except BaseException:
        return "<message not available>"


def block_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, with the blocks' own frames and lines alone."""
    try:
        shown = traceback.TracebackException.from_exception(error, compact=True)
        shown.stack = traceback.StackSummary.from_list(
            [frame for frame in shown.stack if frame.filename.startswith(FILE)]
        )
        return "".join(shown.format()).rstrip()
    except BaseException:
        return type_name(error)


def shorten(text: str) -> str:
    """A text with its middle left out where it is long; its end says most."""
    if len(text) <= KEPT:
        return text
    return (
        f"{text[: KEPT // 2]}\n... {len(text) - KEPT} characters left out ...\n{text[-KEPT // 2 :]}"
    )
