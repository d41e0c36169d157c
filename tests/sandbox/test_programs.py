"""Legitimate programs, as mathematicians and models write them: what each prints."""

import importlib.util
import subprocess
import sys

import pytest

from numina.sandbox.pool import run_programs
from numina.sandbox.text import output_text
from tests.conftest import SANDBOX, SANDBOX_HARDWARE
from tests.sandbox.conftest import printed_by_python

LIMITS = SANDBOX.model_copy(update={"timeout_s": 10.0, "memory_mb": 1024})

SQUARES = "def square(x): return x * x\n"
PROGRAMS = {
    "digits of a power": ("sum(int(c) for c in str(7**6000))", "23131"),
    "digits of a factorial": (
        "import math\ns = str(math.factorial(2000))\nprint(len(s) - len(s.rstrip('0')))",
        "499",
    ),
    "reading a long integer": ("print(int('9' * 5000) % 7)", "1"),
    "arguments": ("import sys\nprint(len(sys.argv))", "1"),
    "argparse": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', type=int, default=4)\n"
        "print(p.parse_args().n)",
        "4",
    ),
    "a file in /tmp": (
        "with open('/tmp/a.txt', 'w') as f: f.write('12')\nprint(open('/tmp/a.txt').read())",
        "12",
    ),
    "a folder in /tmp": (
        "import os, pathlib\nos.makedirs('/tmp/d/e')\npathlib.Path('/tmp/d/e/f').write_text('x')\n"
        "print(os.path.exists('/tmp/d/e/f'), os.listdir('/tmp/d'))",
        "True ['e']",
    ),
    "a temporary file": (
        "import tempfile\nwith tempfile.NamedTemporaryFile('w+') as f:\n"
        "  f.write('5'); f.seek(0); print(f.read())",
        "5",
    ),
    "threads": (
        "import threading\nfound = []\n"
        "ts = [threading.Thread(target=found.append, args=(i,)) for i in range(5)]\n"
        "for t in ts: t.start()\nfor t in ts: t.join()\nprint(sorted(found))",
        "[0, 1, 2, 3, 4]",
    ),
    "threads with a lock": (
        "import threading\nn = 0\nlock = threading.Lock()\ndef add():\n  global n\n"
        "  for _ in range(1000):\n    with lock: n += 1\n"
        "ts = [threading.Thread(target=add) for _ in range(4)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts]\nprint(n)",
        "4000",
    ),
    "a thread that nobody waits for": (
        "import threading, time\ndef late():\n  time.sleep(0.05); print('late')\n"
        "threading.Thread(target=late).start()\nprint('first')",
        "first\nlate",
    ),
    "a producer and a consumer": (
        "import queue, threading\nq = queue.Queue(2)\ndef make():\n"
        "  for i in range(5): q.put(i)\n  q.put(None)\nthreading.Thread(target=make).start()\n"
        "print(sum(iter(q.get, None)))",
        "10",
    ),
    "an event with a time limit": (
        "import threading\ne = threading.Event()\nprint(e.wait(0.02))\n"
        "threading.Timer(0.02, e.set).start()\nprint(e.wait(5))",
        "False\nTrue",
    ),
    "waiting for a thread by asking": (
        "import threading, time\nt = threading.Thread(target=time.sleep, args=(0.02,))\nt.start()\n"
        "while t.is_alive(): pass\nprint('over')",
        "over",
    ),
    "a thread with a large stack": (
        "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(2**27)\n"
        "def depth(n): return 0 if n == 0 else 1 + depth(n - 1)\n"
        "t = threading.Thread(target=lambda: print(depth(50000)))\nt.start(); t.join()",
        "50000",
    ),
    "a thread pool": (
        "from concurrent.futures import ThreadPoolExecutor, as_completed\n"
        "with ThreadPoolExecutor(max_workers=4) as pool:\n"
        "  print(list(pool.map(lambda x: x * x, range(5))))\n"
        "  calls = [pool.submit(pow, 2, i) for i in range(4)]\n"
        "  print(sorted(c.result() for c in as_completed(calls)))",
        "[0, 1, 4, 9, 16]\n[1, 2, 4, 8]",
    ),
    "a process pool": (
        "from concurrent.futures import ProcessPoolExecutor\n" + SQUARES + "if __name__ == '__main__':"
        "\n  with ProcessPoolExecutor() as pool: print(list(pool.map(square, range(4), chunksize=2)))",
        "[0, 1, 4, 9]",
    ),
    "multiprocessing.Pool": (
        "from multiprocessing import Pool, cpu_count\n" + SQUARES + "if __name__ == '__main__':\n"
        "  with Pool(cpu_count()) as p:\n    print(p.map(square, range(4)), p.starmap(pow, [(2, 3)]))\n"
        "    print(sum(p.imap_unordered(square, range(4))), p.apply_async(square, (7,)).get(5))",
        "[0, 1, 4, 9] [8]\n14 49",
    ),
    "processes that answer by a queue": (
        "import multiprocessing as mp\ndef work(q, i): q.put(i * i)\nq = mp.Queue()\n"
        "ps = [mp.Process(target=work, args=(q, i)) for i in range(3)]\nfor p in ps: p.start()\n"
        "for p in ps: p.join()\nprint(sorted(q.get() for _ in ps), [p.exitcode for p in ps])",
        "[0, 1, 4] [0, 0, 0]",
    ),
    "processes that share a value": (
        "import multiprocessing as mp\ndef work(v, a, row):\n  with v.get_lock(): v.value += 5\n"
        "  a[0] = 9; row.append(1)\nv, a, row = mp.Value('i', 1), mp.Array('i', [1, 2]), []\n"
        "p = mp.Process(target=work, args=(v, a, row)); p.start(); p.join()\nprint(v.value, a[:], row)",
        "6 [9, 2] []",
    ),
    "a manager": (
        "import multiprocessing as mp\ndef work(d, i): d[i] = i * i\nwith mp.Manager() as m:\n"
        "  d = m.dict()\n  ps = [mp.Process(target=work, args=(d, i)) for i in range(3)]\n"
        "  [p.start() for p in ps]; [p.join() for p in ps]\n  print(sorted(d.items()))",
        "[(0, 0), (1, 1), (2, 4)]",
    ),
    "a pipe": (
        "import multiprocessing as mp\ndef work(c): c.send([42]); c.close()\na, b = mp.Pipe()\n"
        "p = mp.Process(target=work, args=(b,)); p.start()\nprint(a.recv()); p.join()",
        "[42]",
    ),
    "asyncio": (
        "import asyncio\nasync def f(i):\n  await asyncio.sleep(0.01 * i)\n  return i * i\n"
        "async def main():\n  print(await asyncio.gather(*[f(i) for i in range(3)]))\n"
        "  print(await asyncio.to_thread(pow, 2, 5))\n"
        "  try: await asyncio.wait_for(asyncio.sleep(9), 0.02)\n"
        "  except asyncio.TimeoutError: print('late')\nasyncio.run(main())",
        "[0, 1, 4]\n32\nlate",
    ),
    "an event loop by hand": (
        "import asyncio\nasync def f(): return 7\nloop = asyncio.new_event_loop()\n"
        "print(loop.run_until_complete(f()))\nloop.close()",
        "7",
    ),
    "deep recursion": (
        "import sys\nfrom functools import lru_cache\nsys.setrecursionlimit(10**6)\n"
        "@lru_cache(maxsize=None)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(50000))",
        "50000",
    ),
    "commands of a notebook": (
        "!pip install sympy\n%matplotlib inline\nimport math\nif True:\n    !ls\n    print(math.comb(5, 2))",
        "10",
    ),
    "a timed line of a notebook": ("%time x = 5\nprint(x)", "5"),
    "a timed cell of a notebook": ("%%time\nprint(5)", "5"),
    "what a notebook's command gives": ("files = !ls\nx = %time 5\nprint(files, x)", "[] 5"),
    "help in a notebook": ("import math\nmath.gcd?\n?math\nprint(9)", "9"),
    "awaiting as in a notebook": (
        "import asyncio\nasync def f(): return 5\nx = await f()\nprint(x)\nawait asyncio.sleep(0, 6)",
        "5\n6",
    ),
    "an interpreter's prompts": (
        ">>> x = 5\n>>> for i in range(2):\n...     print(i)\n...\n0\n1\n>>> print(x + 1)\n6",
        "0\n1\n6",
    ),
    "typeset characters": (
        "x\xa0=\xa03\u200b\nprint(‘a’ + “b”, 5 − x × 2, x² ≤ 9)\nprint（x）",
        "ab -1 True\n3",
    ),
    "a block indented in a list": ("    x = 3\n    if x:\n        print(x)", "3"),
    "a block indented but for its first line": ("x = 3\n    y = 4\n    print(x * y)", "12"),
    "percent signs that are no commands": ("x = (17\n% 5)\nprint(x, '%d items' % 3)", "2 3 items"),
    "leaving": ("print(1)\nexit()\nprint(2)", "1"),
    "leaving with 0": ("import sys\nprint(1)\nsys.exit(0)", "1"),
    "the main program": ("def main(): print(3)\nif __name__ == '__main__': main()", "3"),
    "the future": ("from __future__ import annotations\ndef f(x: Foo): return x\nprint(f(2))", "2"),
    "no input": ("try: x = input('n? ')\nexcept EOFError: print('none')", "n? none"),
    "an alarm": (
        "import signal\ndef stop(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, stop)\n"
        "signal.alarm(1)\nn = 0\ntry:\n  while n >= 0: n += 1\nexcept TimeoutError: print('stopped')",
        "stopped",
    ),
    "flushing and sleeping": (
        "import time\nprint(1, end=' ', flush=True)\ntime.sleep(0.05)\nprint(2, flush=True)",
        "1 2",
    ),
    "warnings": ("import warnings\nwarnings.warn('noise ' * 90)\nprint(42)", "42"),
    "warnings that are caught": (
        "import warnings\nwith warnings.catch_warnings(record=True) as w:\n"
        "  warnings.simplefilter('always'); warnings.warn('a')\nprint(len(w))",
        "1",
    ),
    "division by zero in numpy": ("import numpy as np\nprint(np.array([1.0]) / 0)", "[inf]"),
    "exact numbers": (
        "from fractions import Fraction\nfrom decimal import Decimal, getcontext\n"
        "import itertools\ngetcontext().prec = 6\nprint(Fraction(1, 3) + 1, Decimal(1) / 7, "
        "len(list(itertools.permutations(range(4)))))",
        "4/3 0.142857 24",
    ),
    "tqdm": ("from tqdm import tqdm\nprint(sum(tqdm(range(100))))", "4950"),
    "networkx": ("import networkx as nx\nprint(nx.shortest_path_length(nx.cycle_graph(9), 0, 4))", "4"),
    "pandas": ("import pandas as pd\nprint(pd.Series([1, 2, 3]).sum())", "6"),
    "scipy": (
        "from scipy.optimize import brentq\nfrom scipy.special import comb\nimport scipy\n"
        "print(round(brentq(lambda x: x * x - 2, 0, 2), 6), int(comb(5, 2)))\n"
        "print(round(scipy.integrate.quad(lambda x: x, 0, 2)[0], 6))",
        "1.414214 10\n2.0",
    ),
    "matplotlib": (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.savefig('a.png')\n"
        "print('drawn')",
        "drawn",
    ),
}  # fmt: skip
NEEDS = {"tqdm", "networkx", "pandas", "scipy", "matplotlib"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_it_prints(name, blocks):
    if name in NEEDS:
        pytest.importorskip(name)
    code, expected = PROGRAMS[name]
    (result,) = blocks(code)
    assert output_text(result, 1000) == expected
    assert result.status == "ok"


PURE = [name for name in PROGRAMS if name not in NEEDS and "\n!" not in "\n" + PROGRAMS[name][0]]
OURS_ALONE = {
    *("commands of a notebook", "a timed line of a notebook", "a timed cell of a notebook"),
    *("what a notebook's command gives", "help in a notebook", "awaiting as in a notebook"),
    *("an interpreter's prompts", "typeset characters"),
    *("a block indented in a list", "a block indented but for its first line"),
    *("digits of a power", "digits of a factorial", "reading a long integer"),
    *("a file in /tmp", "a folder in /tmp", "deep recursion"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PURE if name not in OURS_ALONE])
def test_python_itself_prints_the_same(name, tmp_path):
    code, expected = PROGRAMS[name]
    assert printed_by_python(code, tmp_path) == expected


@pytest.mark.parametrize("end", ["while True: pass", "import os; os._exit(3)"])
def test_a_line_without_its_end_is_kept(end):
    params = SANDBOX.model_copy(update={"timeout_s": 0.5})
    result = run_programs(params, SANDBOX_HARDWARE, [[f"print('partial 12', end='')\n{end}"]])[0][0]
    assert result.stdout == "partial 12"


def test_a_block_goes_on_with_the_threads_of_the_last(blocks):
    first = "import queue, threading\nq, found = queue.Queue(), []\n"
    first += "def work():\n  while True: found.append(q.get()); q.task_done()\n"
    first += "threading.Thread(target=work, daemon=True).start()"
    assert blocks(first, "q.put(5); q.join(); print(found)")[1].stdout == "[5]\n"


def test_a_seed_for_each_trace(blocks):
    code = "import random, numpy as np\nprint(random.random(), np.random.rand())"
    first, second = blocks(code, seed=1)[0].stdout, blocks(code, seed=2)[0].stdout
    assert first != second
    assert first == blocks(code, seed=1)[0].stdout
    late = blocks("x = 1", "import numpy as np\nprint(np.random.rand())", seed=1)[1].stdout
    assert late.strip() == first.split()[1]


def test_random_numbers_of_sympy_are_the_same_in_every_run(blocks):
    code = "import sympy\nprint(sympy.core.random.randint(0, 10**9))"
    assert blocks(code)[0].stdout == blocks(code)[0].stdout


def test_generators_without_a_seed_still_differ(blocks):
    code = "import os, numpy as np\nprint(np.random.default_rng().random(), os.urandom(4))"
    assert blocks(code)[0].stdout != blocks(code)[0].stdout


def test_a_busy_machine_does_not_stop_a_block():
    """Four programs a core, each with most of its time to itself: more than that of wall-clock."""
    params = SANDBOX.model_copy(update={"timeout_s": 1.0})
    burn = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(burn) for _ in range(8)]
    code = "import time\nwhile time.process_time() < 0.6: pass\nprint('done')"
    try:
        results = run_programs(params, SANDBOX_HARDWARE, [[code]] * 2)
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert [result.stdout for rows in results for result in rows] == ["done\n"] * 2


@pytest.mark.parametrize("rest", ["while True: pass", "import time; time.sleep(100)"])
def test_a_timeout_says_the_limit_and_how_long_it_took(rest):
    params = SANDBOX.model_copy(update={"timeout_s": 0.5})
    result = run_programs(params, SANDBOX_HARDWARE, [[rest]])[0][0]
    assert (result.status, result.message) == ("timeout", "no result after 0.5 seconds")
    assert result.wall_s >= 0.5


def test_a_syntax_error_is_told_of_the_block_as_it_stands(blocks):
    (result,) = blocks("!pip install x\nprint(1")
    assert result.error_type == "SyntaxError"
    assert "!pip" in result.traceback


def test_installed_packages_are_where_programs_look(blocks):
    assert importlib.util.find_spec("greenlet")
    assert blocks("import greenlet, sys\nprint(greenlet.getcurrent().parent)")[0].stdout == "None\n"
