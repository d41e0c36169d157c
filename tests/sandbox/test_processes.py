"""Programs with processes, threads and files that a session emulates: what each prints.

Python itself prints the same (a slow test); the sandbox does it in one process with one thread.
"""

import pytest

from numina.sandbox.text import output_text
from tests.sandbox.conftest import printed_by_python, without_namespaces

MAIN = "if __name__ == '__main__':\n  "
PROCESSES = {
    "a parent that closes the child's end of a pipe": (
        "import multiprocessing as mp\ndef f(c): c.send(1); c.send([2]); c.close()\n"
        + MAIN
        + "a, b = mp.Pipe()\n  p = mp.Process(target=f, args=(b,)); p.start(); b.close()\n"
        "  print(a.recv(), a.recv())\n  try: a.recv()\n  except EOFError: print('end')\n  p.join()",
        "1 [2]\nend",
    ),
    "a pipe of one direction": (
        "import multiprocessing as mp\nr, w = mp.Pipe(duplex=False)\nw.send_bytes(b'abc'); w.send(3)\n"
        "print(r.recv_bytes(), r.poll(), r.recv(), r.poll())\n"
        "try: r.send(1)\nexcept OSError as e: print(e)",
        "b'abc' True 3 False\nconnection is read-only",
    ),
    "waiting for connections and processes": (
        "import multiprocessing as mp\nfrom multiprocessing.connection import wait\n"
        "def f(c, i): c.send(i); c.close()\n"
        + MAIN
        + "ends, found, ps = [], [], []\n  for i in range(3):\n    r, w = mp.Pipe(False); ends.append(r)\n"
        "    ps.append(mp.Process(target=f, args=(w, i))); ps[-1].start(); w.close()\n"
        "  while ends:\n    for r in wait(ends):\n      try: found.append(r.recv())\n"
        "      except EOFError: ends.remove(r)\n"
        "  print(sorted(found), len(wait([p.sentinel for p in ps])) > 0)",
        "[0, 1, 2] True",
    ),
    "locks and semaphores": (
        "import multiprocessing as mp\nl, r, s, b = mp.Lock(), mp.RLock(), mp.Semaphore(3), mp.BoundedSemaphore(1)\n"
        "print(l.acquire(block=False), l.acquire(block=False), l.acquire(timeout=0.02)); l.release()\n"
        "r.acquire(); r.acquire(); r.release(); r.release(); s.acquire(); print(s.get_value(), s)\n"
        "for x in (l, b, r):\n  try: x.release()\n  except (ValueError, AssertionError) as e: print(e)",
        "True False False\n2 <Semaphore(value=2)>\nsemaphore or lock released too many times\n"
        "semaphore or lock released too many times\n"
        "attempt to release recursive lock not owned by thread",
    ),
    "a condition, an event and a barrier": (
        "import multiprocessing as mp\ndef f(b, e, c, v):\n  b.wait(); e.wait()\n  with c: v.value += 7; c.notify()\n"
        + MAIN
        + "b, e, c, v = mp.Barrier(3), mp.Event(), mp.Condition(), mp.Value('i', 0)\n"
        "  ps = [mp.Process(target=f, args=(b, e, c, v)) for _ in range(2)]\n  [p.start() for p in ps]; b.wait()\n"
        "  with c: e.set(); print(c.wait_for(lambda: v.value == 14, 5))\n  [p.join() for p in ps]",
        "True",
    ),
    "spawned processes": (
        "import multiprocessing as mp\ndef square(x): return x * x\n"
        + MAIN
        + "mp.set_start_method('spawn'); l = mp.Lock()\n  with l: pass\n"
        "  with mp.Pool(2) as p: print(p.map(square, range(3)), mp.get_start_method())",
        "[0, 1, 4] spawn",
    ),
    "a process keeps what it assigns to itself": (
        "import multiprocessing as mp\nclass W(mp.Process):\n  def __init__(self, n): super().__init__(); self.n, self.r = n, None\n"
        "  def run(self): self.r = self.n * 2\n" + MAIN + "w = W(4); w.start(); w.join(); print(w.r, w.exitcode)",
        "None 0",
    ),
    "how processes end": (
        "import multiprocessing as mp, sys, time\ndef leave(): sys.exit(3)\n"
        + MAIN
        + "p = mp.Process(target=leave); p.start(); p.join(); print(p.exitcode)\n"
        "  p = mp.Process(target=time.sleep, args=(9,)); p.start(); p.join(0.01); print(p.is_alive())\n"
        "  p.terminate(); p.join(); print(p.exitcode)\n"
        "  p = mp.Process(target=time.sleep, args=(9,)); p.start(); p.kill(); p.join(); print(p.exitcode)",
        "3\nTrue\n-15\n-9",
    ),
    "a process that computes too long is ended": (
        "import multiprocessing as mp\ndef slow():\n  while True: pass\n"
        + MAIN
        + "p = mp.Process(target=slow); p.start(); p.join(0.1)\n  if p.is_alive(): p.terminate(); p.join(); print(p.exitcode)",
        "-15",
    ),
    "a pool with many tasks": (
        "from multiprocessing import Pool\nfrom concurrent.futures import ProcessPoolExecutor\n"
        "def f(x): return x % 7\ndef add(x, y): return x + y\ndef grow(l): l.append(1); return len(l)\n"
        + MAIN
        + "with Pool() as p:\n    print(sum(p.map(f, range(200000))), list(p.imap(f, (i for i in range(9)), chunksize=4)))\n"
        "    rows = [[], []]; print(p.map(grow, rows), rows, p.map(f, []), p.starmap(pow, [(2, 3)]))\n"
        "  with ProcessPoolExecutor(2) as e: print(list(e.map(add, range(5), range(4), chunksize=3)))",
        "599994 [0, 1, 2, 3, 4, 5, 6, 0, 1]\n[1, 1] [[], []] [] [8]\n[0, 2, 4, 6]",
    ),
    "shared memory": (
        "import numpy as np\nfrom multiprocessing import Process, shared_memory\ndef double(name):\n"
        "  s = shared_memory.SharedMemory(name=name); a = np.ndarray((4,), np.int64, s.buf); a *= 2; del a; s.close()\n"
        + MAIN
        + "s = shared_memory.SharedMemory(create=True, size=32); a = np.ndarray((4,), np.int64, s.buf)\n"
        "  a[:] = range(4); p = Process(target=double, args=(s.name,)); p.start(); p.join(); print(a.tolist())\n"
        "  del a; s.close(); s.unlink()\n  try: shared_memory.SharedMemory(s.name)\n  except FileNotFoundError: print('gone')",
        "[0, 2, 4, 6]\ngone",
    ),
    "a list in shared memory": (
        "from multiprocessing.managers import SharedMemoryManager\nfrom multiprocessing import Process\n"
        "def square(l, i): l[i] = l[i] ** 2\n"
        + MAIN
        + "with SharedMemoryManager() as m:\n    l = m.ShareableList(range(5))\n"
        "    ps = [Process(target=square, args=(l, i)) for i in range(5)]\n"
        "    [p.start() for p in ps]; [p.join() for p in ps]; print(list(l), m.SharedMemory(8).size >= 8)",
        "[0, 1, 4, 9, 16] True",
    ),
    "a manager of one's own": (
        "from multiprocessing import Process\nfrom multiprocessing.managers import BaseManager\nclass Counter:\n"
        "  def __init__(self, n=0): self.n = n\n  def add(self, k): self.n += k; return self.n\n"
        "class M(BaseManager): pass\nM.register('Counter', Counter)\ndef work(c): c.add(3)\n"
        + MAIN
        + "with M() as m:\n    c = m.Counter(5); ps = [Process(target=work, args=(c,)) for _ in range(3)]\n"
        "    [p.start() for p in ps]; [p.join() for p in ps]; print(c.add(0))",
        "14",
    ),
    "a manager that serves a queue": (
        "import queue\nfrom multiprocessing import Process\nfrom multiprocessing.managers import BaseManager\n"
        "q = queue.Queue()\nclass M(BaseManager): pass\nM.register('jobs', callable=lambda: q)\ndef work(j): j.put(42)\n"
        + MAIN
        + "m = M(authkey=b'k'); m.start(); j = m.jobs(); p = Process(target=work, args=(j,)); p.start(); p.join()\n"
        "  print(j.get()); m.shutdown()",
        "42",
    ),
    "what managers copy": (
        "import multiprocessing as mp\n"
        + MAIN
        + "m = mp.Manager(); l, d = m.list([[1]]), m.dict(); l[0].append(2); d['x'] = []; d['x'].append(1)\n"
        "  v, n = m.Value('i', 5), m.Namespace(); n.x = 3; print(list(l), d.copy(), l, v, n, l == [[1]])",
        "[[1]] {'x': []} [[1]] Value('i', 5) Namespace(x=3) False",
    ),
    "listeners and clients": (
        "from multiprocessing.connection import Client, Listener\nimport threading\ndef serve(l):\n"
        "  with l.accept() as c: c.send(c.recv() * 2)\nl = Listener(('localhost', 0), authkey=b'k')\n"
        "threading.Thread(target=serve, args=(l,)).start()\n"
        "with Client(l.address, authkey=b'k') as c: c.send(21); print(c.recv())\nl.close()",
        "42",
    ),
    "thread pools in the threads of a pool": (
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as a:\n  def g(i):\n"
        "    with ThreadPoolExecutor(2) as b: return sum(b.map(lambda x: x * i, range(3)))\n  print(list(a.map(g, range(3))))",
        "[0, 3, 6]",
    ),
    "an event loop in a thread": (
        "import asyncio, threading\nloop = asyncio.new_event_loop()\nt = threading.Thread(target=loop.run_forever); t.start()\n"
        "async def g(): await asyncio.sleep(0.01); return 4\nprint(asyncio.run_coroutine_threadsafe(g(), loop).result(9))\n"
        "loop.call_soon_threadsafe(loop.stop); t.join(9); print(t.is_alive())",
        "4\nFalse",
    ),
    "signals of an event loop": (
        "import asyncio, signal\nasync def main():\n  loop = asyncio.get_running_loop(); f = loop.create_future()\n"
        "  loop.add_signal_handler(signal.SIGALRM, f.set_result, 3); signal.setitimer(signal.ITIMER_REAL, 0.01); print(await f)\n"
        "asyncio.run(main())",
        "3",
    ),
    "threads that ask in a loop": (
        "import queue, threading, time\nfrom concurrent.futures import ThreadPoolExecutor\ndone = False\n"
        "def end():\n  global done\n  done = True\nthreading.Thread(target=end).start()\nwhile not done: pass\n"
        "e, q = threading.Event(), queue.Queue()\nthreading.Timer(0.01, e.set).start()\nwhile not e.is_set(): pass\n"
        "threading.Thread(target=q.put, args=(5,)).start()\nwhile q.empty(): pass\n"
        "with ThreadPoolExecutor() as pool:\n  f = pool.submit(pow, 2, 5)\n  while not f.done(): pass\nprint(q.get(), f.result())",
        "5 32",
    ),
    "a thread that never ends": (
        "import threading\ndef run(f, s):\n  found = []\n  t = threading.Thread(target=lambda: found.append(f()), daemon=True)\n"
        "  t.start(); t.join(s); return found or 'too long'\ndef slow():\n  while True: pass\n"
        "print(run(lambda: 3, 5), run(slow, 0.1))",
        "[3] too long",
    ),
    "files of databases": (
        "import shelve, sqlite3\nwith sqlite3.connect('a.db') as a: a.execute('create table t (x)')\n"
        "b = sqlite3.connect('a.db', timeout=0.02); a.execute('begin immediate'); a.execute('insert into t values (7)')\n"
        "try: b.execute('begin immediate')\nexcept sqlite3.OperationalError as e: print(e)\n"
        "a.commit(); print(b.execute('select x from t').fetchall(), b.execute('pragma journal_mode=wal').fetchone())\n"
        "with shelve.open('s') as d: d['x'] = [1]\nwith shelve.open('s') as d: print(d['x'])",
        "database is locked\n[(7,)] ('wal',)\n[1]",
    ),
    "threads with connections of their own to a database": (
        "import sqlite3, threading\nsqlite3.connect('c.db').execute('create table t (x)')\ndef add(i):\n"
        "  c = sqlite3.connect('c.db', timeout=30)\n  with c: c.execute('insert into t values (?)', (i,))\n"
        "ts = [threading.Thread(target=add, args=(i,)) for i in range(5)]\n[t.start() for t in ts]; [t.join() for t in ts]\n"
        "print(sqlite3.connect('c.db').execute('select sum(x) from t').fetchone())",
        "(10,)",
    ),
    "locks on one's own files": (
        "import fcntl, os\nwith open('lock', 'w') as f:\n  fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX)\n"
        "  os.lockf(f.fileno(), os.F_LOCK, 0); fcntl.flock(f, fcntl.LOCK_UN); print('locked')",
        "locked",
    ),
    "modules that a program writes": (
        "import os\nopen('made_here.py', 'w').write('x = 5')\nimport made_here\n"
        "print(made_here.x, os.path.dirname(os.path.abspath(__file__)) == os.getcwd())",
        "5 True",
    ),
    "the first standard output": (
        "import io, sys\nsys.stdout = io.StringIO(); print('kept'); text = sys.stdout.getvalue()\n"
        "sys.stdout = sys.__stdout__; print(text.strip().upper())",
        "KEPT",
    ),
}  # fmt: skip
TEMPORARY = {
    "files": (
        "import os, pathlib, shutil\np = pathlib.Path('/tmp/d/e'); p.mkdir(parents=True); (p / 'f').write_text('x')\n"
        "os.replace('/tmp/d/e/f', '/tmp/g'); shutil.copytree('/tmp/d', '/tmp/h'); os.chdir('/tmp')\n"
        "print(open('g').read(), os.listdir('/tmp/h'), [found[1] for found in os.walk('/tmp/d')], os.stat('/tmp/../tmp/g').st_size)\n"
        "shutil.rmtree('/tmp/d'); print(os.path.exists('/tmp/d'), os.access('/tmp', os.W_OK))",
        "x ['e'] [['e'], []] 1\nFalse True",
    ),
    "arrays": (
        "import numpy as np\nnp.save('/tmp/a.npy', np.arange(3)); np.savetxt('/tmp/b', [1.5]); np.arange(3).tofile('/tmp/c')\n"
        "print(np.load('/tmp/a.npy').sum(), np.loadtxt('/tmp/b'), np.fromfile('/tmp/c', int).sum())",
        "3 1.5 3",
    ),
    "a database": (
        "import sqlite3\nwith sqlite3.connect('/tmp/x.db') as c: c.execute('create table t as select 4 as x')\n"
        "print(sqlite3.connect('/tmp/x.db').execute('select x from t').fetchone())",
        "(4,)",
    ),
    "temporary files": (
        "import os, tempfile\nwith tempfile.TemporaryDirectory(dir='/tmp') as d: open(d + '/a', 'w').write('3'); print(open(d + '/a').read())\n"
        "with tempfile.NamedTemporaryFile('w+') as f: f.write('5'); f.flush(); print(open(f.name).read())",
        "3\n5",
    ),
    "no way out": (
        "for path in ('/tmp/../etc/passwd', '/etc/passwd', '/tmp/numina-x/../../etc/passwd'):\n"
        "  try: open(path)\n  except OSError: print('no')",
        "no\nno\nno",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROCESSES)
def test_what_it_prints(name, blocks):
    code, expected = PROCESSES[name]
    (result,) = blocks(code)
    assert output_text(result, 1000) == expected


@pytest.mark.parametrize("namespaces", [True, False])
@pytest.mark.parametrize("name", TEMPORARY)
def test_files_in_the_temporary_folder(name, namespaces, blocks, blocks_without_namespaces):
    code, expected = TEMPORARY[name]
    (result,) = (blocks if namespaces else blocks_without_namespaces)(code)
    assert output_text(result, 1000) == expected


@pytest.fixture(scope="module")
def blocks_without_namespaces(tmp_path_factory):
    with without_namespaces() as run:
        yield run


@pytest.mark.slow
@pytest.mark.parametrize("name", PROCESSES)
def test_python_itself_prints_the_same(name, tmp_path):
    code, expected = PROCESSES[name]
    assert printed_by_python(code, tmp_path) == expected


def test_a_block_goes_on_with_the_manager_of_the_last(blocks):
    first = "import multiprocessing as mp\nm = mp.Manager(); d = m.dict()"
    assert blocks(first, "d['a'] = 1; print(d)")[1].stdout == "{'a': 1}\n"


def test_errors_of_threads_and_processes_show_the_lines_of_blocks(blocks):
    code = "import threading, multiprocessing as mp\ndef f(): raise ValueError('bad')\n"
    for start in ("threading.Thread(target=f).start()", "mp.Process(target=f).start()"):
        stdout = blocks(code + start)[0].stdout
        assert "Traceback" in stdout
        assert stdout.endswith("ValueError: bad\n")
        assert [
            line
            for line in stdout.splitlines()
            if line.startswith("  File") and "<block" not in line
        ] == []
