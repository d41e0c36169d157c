"""Sessions, results, and the text that the model is shown of them."""

import asyncio
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.sandbox.jail.isolation import LAYERS
from numina.sandbox.pool import SandboxPool, refuse_unisolated, run_programs
from numina.sandbox.result import Result
from numina.sandbox.text import output_text
from numina.settings.decoding import Sandbox
from tests.conftest import SANDBOX, SANDBOX_HARDWARE


def run(*blocks: str, params: Sandbox = SANDBOX) -> list[Result]:
    return run_programs(params, SANDBOX_HARDWARE, [blocks])[0]


def test_blocks_of_a_session_share_their_names():
    assert [result.stdout for result in run("x = 5\nprint(x)", "x + 1")] == ["5\n", "6\n"]


def test_sessions_do_not_share_names():
    first, second = run_programs(SANDBOX, SANDBOX_HARDWARE, [["x = 1"], ["print(x)"]])
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
    assert 'File "<block 1>", line 4, in <module>' in result.traceback
    assert "return 1 / x" in result.traceback
    assert "zygote" not in result.traceback


def test_a_traceback_shows_each_line_of_the_block_that_it_is_in():
    result = run("def half(x):\n    return 1 / x", "# a\n# b\nhalf(0)")[1]
    assert 'File "<block 2>", line 3, in <module>\n    half(0)' in result.traceback
    assert 'File "<block 1>", line 2, in half\n    return 1 / x' in result.traceback
    text = output_text(result, 400)
    assert 'File "<block>", line 2, in half\n    return 1 / x' in text
    assert text.endswith("ZeroDivisionError: division by zero")


def test_classes_of_a_block_can_be_pickled():
    code = "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)"
    assert run("x = 1", code)[1].stdout == "True\n"


LIBRARIES = {
    "numpy": "import numpy\nprint(numpy.linalg.inv(numpy.eye(300)).sum())",
    "scipy.special": "from scipy.special import comb\nprint(comb(5, 2) * 30)",
    "scipy.optimize": "from scipy.optimize import fsolve\nprint(fsolve(lambda x: x - 300, 1)[0])",
    "pandas": "import pandas\nprint(pandas.Series([300.0]).sum())",
    "matplotlib": "from matplotlib import pyplot\npyplot.plot([1, 2])\nprint(300.0)",
}


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("before", [[], ["x = 1"]])
def test_libraries_that_would_start_threads(name, before):
    pytest.importorskip(name)
    params = SANDBOX.model_copy(update={"timeout_s": 30.0})
    result = run(*before, LIBRARIES[name], params=params)[-1]
    assert (result.status, result.stdout) == ("ok", "300.0\n")


def test_a_recursion_goes_as_deep_as_it_did():
    """The frames above a program show in its traceback, as the number of lines left out."""
    code = "def f(n):\n  try: return f(n + 1)\n  except RecursionError: return n\nprint(f(0))"
    assert run(code)[0].stdout == "987\n"


def test_a_syntax_error_is_a_result():
    assert run("print(1")[0].error_type == "SyntaxError"


def test_stateless_sessions_start_anew_with_each_block():
    params = SANDBOX.model_copy(update={"stateless": True})
    assert run("x = 1", "print(x)", params=params)[1].error_type == "NameError"


def test_many_sessions_at_once():
    programs = [[f"x = {i}", "print(x * x)"] for i in range(40)]
    results = run_programs(SANDBOX, SANDBOX_HARDWARE, programs)
    assert [rows[1].stdout for rows in results] == [f"{i * i}\n" for i in range(40)]


def test_random_numbers_and_sets_are_the_same_in_every_run():
    code = "import random, numpy\nprint(random.random(), numpy.random.rand(), {'a', 'b', 'c'})"
    assert run(code)[0].stdout == run(code)[0].stdout


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (["network_namespace", "landlock"], None),
        (["user_namespace", "network_namespace", "mount_namespace"], None),
        (["seccomp"], None),
        (["mount_namespace", "landlock"], "writes.*mount_namespace, or landlock with seccomp"),
        (["seccomp", "network_namespace"], "network.*seccomp, or network_namespace with mount_n"),
        (["seccomp", "mount_namespace"], "network"),  # sockets that are files are still there
    ],
)
def test_a_pool_without_the_layers_that_matter_is_refused(missing, reason):
    layers = dict.fromkeys(LAYERS, True) | dict.fromkeys(missing, False)
    if reason is None:
        refuse_unisolated(layers, SANDBOX_HARDWARE)
        return
    with pytest.raises(UserError, match=reason):
        refuse_unisolated(layers, SANDBOX_HARDWARE)
    refuse_unisolated(layers, SANDBOX_HARDWARE.model_copy(update={"allow_unisolated": True}))


@pytest.mark.parametrize("missing", ["mount_namespace", "landlock", "seccomp", "user_namespace"])
def test_what_the_other_layers_stop_without_one(missing, tmp_path, monkeypatch):
    """With any one layer gone, files outside and the network are still out of reach."""
    from numina.sandbox import zygotes

    (tmp_path / "secret").write_text("abc")
    disable = {
        "mount_namespace": "isolation.hide_files = lambda *_: False",
        "landlock": "isolation.landlock_rules = lambda *_: None",
        "seccomp": "isolation.seccomp = lambda *_: False",
        "user_namespace": "isolation.enter_namespaces = lambda: False",
    }[missing]
    program = f"from numina.sandbox.jail import isolation, zygote\n{disable}\nzygote.main()"
    monkeypatch.setattr(zygotes, "PROGRAM", ["-c", program])

    async def use() -> tuple[dict[str, bool], list[Result]]:
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool, pool.session() as session:
            blocks = [
                f"open({str(tmp_path / 'secret')!r}).read()",
                f"open({str(tmp_path / 'new')!r}, 'w')",
                "import socket\nsocket.socket().connect(('127.0.0.1', 80))",
                "open('own', 'w').write('abc')",
                "import glob, os\nprint(len({os.stat(p).st_ino for p in glob.glob('../*/own')}))",
            ]
            return pool.layers, [await session.run(block) for block in blocks]

    layers, results = asyncio.run(use())
    assert not layers[missing]
    assert [result.status for result in results] == ["error", "error", "error", "ok", "ok"]
    assert results[4].stdout in ("0\n", "1\n")


TRACES = Path(__file__).parents[3] / "shared/data/traces/tora_format_traces_gsm8k.jsonl.gz"


@pytest.mark.skipif(not TRACES.exists(), reason="the recorded traces are not on this machine")
def test_recorded_traces_print_what_they_printed_for_their_authors():
    from numina.bench.traces import differences, read_traces

    traces = read_traces(TRACES)
    results = run_programs(
        SANDBOX, SANDBOX_HARDWARE, [[program.code for program in trace] for trace in traces]
    )
    blocks = sum(len(trace) for trace in traces)
    assert blocks == 1321
    assert len(differences(traces, results)) <= 0.01 * blocks


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
