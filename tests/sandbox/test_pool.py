"""The sandbox: each test is named after what the program tries."""

import asyncio
import os
import time

import pytest

from numina.sandbox.pool import KEPT, Pool, Result, can_unshare, run_all
from numina.sandbox.text import output_text
from numina.settings import Sandbox

LIMITS = Sandbox(timeout_s=2, memory_mb=512, output_chars=200)


def run(*blocks: str) -> list[Result]:
    return asyncio.run(run_all(LIMITS, [blocks]))[0]


def test_blocks_of_a_session_share_their_names():
    assert [result.stdout for result in run("x = 5\nprint(x)", "x + 1")] == ["5\n", "6\n"]


def test_sessions_do_not_share_names():
    first, second = asyncio.run(run_all(LIMITS, [["x = 1"], ["print(x)"]]))
    assert first[0].status == "ok"
    assert second[0].error_type == "NameError"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("2 + 3", "5\n"),
        ("x = 7", ""),
        ("for i in range(2):\n    i", ""),
        ("# print(3)\n4", "4\n"),
        ("None", ""),
        ("max(\n  1,\n  2,\n)", "2\n"),
        ("", ""),
    ],
)
def test_the_last_expression_is_shown_as_a_repl_would(code, shown):
    result = run(code)[0]
    assert (result.status, result.stdout) == ("ok", shown)


def test_a_traceback_keeps_the_blocks_lines_and_nothing_of_ours():
    result = run("def half(x):\n    return 1 / x\n\nhalf(0)")[0]
    assert result.status == "error"
    assert result.message == "division by zero"
    assert 'File "<block>", line 4, in <module>' in result.traceback
    assert "return 1 / x" in result.traceback
    assert "zygote" not in result.traceback


def test_a_syntax_error_is_a_result():
    assert run("print(1")[0].error_type == "SyntaxError"


def test_an_endless_loop_ends_at_the_limit_and_the_next_session_is_well():
    started = time.monotonic()
    slow, well = asyncio.run(run_all(LIMITS, [["while True: pass"], ["print(1)"]]))
    assert slow[0].status == "timeout"
    assert well[0].stdout == "1\n"
    assert time.monotonic() - started < 60


def test_ignored_signals_do_not_help():
    code = "import signal\nfor s in range(1, 31):\n  try: signal.signal(s, signal.SIG_IGN)\n"
    assert run(code + "  except OSError: pass\nwhile True: pass")[0].status == "timeout"


def test_a_huge_allocation_is_refused():
    assert run("x = bytearray(8 * 2**30)")[0].status == "memory"


def test_endless_output_keeps_head_and_tail():
    result = run("print('first')\nfor i in range(200000): print(i)\nprint('last')")[0]
    assert result.status == "ok"
    assert result.truncated
    assert result.stdout.startswith("first\n")
    assert result.stdout.endswith("last\n")
    assert len(result.stdout) < 3 * KEPT


def test_a_program_that_kills_itself_is_a_result():
    assert run("import os; os._exit(3)")[0].status == "killed"


@pytest.mark.parametrize("code", ["exit()", "import sys; sys.exit(0)", "raise SystemExit(1)"])
def test_leaving_is_finishing(code):
    assert run(f"print(1)\n{code}")[0].status == "ok"


def test_an_exception_whose_message_fails_is_a_result():
    code = "class E(Exception):\n    def __str__(self): raise ValueError\nraise E"
    assert run(code)[0].error_type == "E"


def test_the_environment_is_empty():
    os.environ["NUMINA_SECRET"] = "abc"
    assert "abc" not in run("import os; print(os.environ)")[0].stdout


def test_the_network_is_out_of_reach():
    if not can_unshare():
        pytest.skip("this kernel gives no user namespaces to unprivileged processes")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=1)"
        assert run(code)[0].status == "error"


def test_no_process_and_no_folder_is_left():
    async def use() -> tuple[int, str]:
        async with Pool(LIMITS) as pool, pool.session() as session:
            pid = int((await session.run("import os; print(os.getpid())")).stdout)
            return pid, pool.folder

    pid, folder = asyncio.run(use())
    time.sleep(0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not os.path.exists(folder)


def result_with(stdout: str, traceback: str | None = None) -> Result:
    status = "error" if traceback else "ok"
    return Result(status, stdout, None, None, traceback, False, 0.0, 0.0, 0.0)


def test_text_for_the_model_never_loses_the_last_line():
    long = "Traceback (most recent call last):\n" + "  frame\n" * 100 + "ValueError: the reason"
    text = output_text(result_with("1\n" * 300, long), 200)
    assert len(text) <= 200
    assert text.startswith("1\n1\n")
    assert text.endswith("ValueError: the reason")


def test_a_single_long_line_keeps_its_end():
    text = output_text(result_with("9" * 1000 + "7"), 200)
    assert len(text) == 200
    assert text.endswith("97")


def test_short_output_is_shown_whole():
    assert output_text(result_with("12\n"), 200) == "12"
