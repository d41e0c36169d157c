"""Hostile programs: each test is named after the trap, and holds one property.

After each, a neighbour's session that was there before still has its names, and a new one works.
"""

import asyncio
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from numina.sandbox import names
from numina.sandbox.jail.zygote import QUIET
from numina.sandbox.names import NAME_BYTES, cached_names
from numina.sandbox.output import KEPT
from numina.sandbox.pool import SandboxPool
from numina.sandbox.result import Result
from numina.settings.decoding import Sandbox
from numina.settings.hardware import SandboxHardware
from tests.conftest import SANDBOX, SANDBOX_HARDWARE

LIMITS = SANDBOX.model_copy(update={"timeout_s": 2.0, "memory_mb": 256, "output_mb": 4})


class Machine:
    """A pool, and a neighbour with a session in it."""

    def __init__(self, runner: asyncio.Runner, pool: SandboxPool) -> None:
        self.runner, self.pool, self.neighbour = runner, pool, pool.open()
        assert self.runner.run(self.neighbour.run("kept = 41")).status == "ok"

    def run(self, *blocks: str | bytes) -> Result:
        """The last result of a session of these blocks."""

        async def one() -> Result:
            async with self.pool.session() as session:
                return [await session.run(block) for block in blocks][-1]

        return self.runner.run(one())

    def run_within(self, seconds: float, *blocks: str) -> Result:
        started = time.monotonic()
        result = self.run(*blocks)
        assert time.monotonic() - started < seconds
        return result

    def refused(self, code: str) -> str:
        """The name of the exception that stops a program which ends in `print('ESCAPED')`."""
        result = self.run(code + "\nprint('ESCAPED')")
        assert "ESCAPED" not in result.stdout
        assert result.status in ("error", "killed", "memory", "timeout")
        return result.error_type or ""


@pytest.fixture(scope="module")
def started():
    with asyncio.Runner() as runner:
        pool = SandboxPool(LIMITS, SANDBOX_HARDWARE)
        runner.run(pool.__aenter__())
        yield Machine(runner, pool)
        runner.run(pool.__aexit__())


@pytest.fixture
def machine(started):
    yield started
    assert started.runner.run(started.neighbour.run("kept + 1")).stdout == "42\n"
    assert started.run("6 * 7").stdout == "42\n"


@pytest.fixture(scope="module")
def without_namespaces():
    """A machine that gives its users no namespaces."""
    code = "from numina.sandbox.jail import isolation, zygote\nisolation.enter_namespaces = lambda: False\nzygote.main()"
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr("numina.sandbox.zygotes.PROGRAM", ["-c", code])
        pool = SandboxPool(LIMITS, SANDBOX_HARDWARE)
        runner.run(pool.__aenter__())
        yield Machine(runner, pool)
        runner.run(pool.__aexit__())


def processes() -> int:
    return len([name for name in os.listdir("/proc") if name.isdigit()])


def settled_processes() -> int:
    """The number of processes, once the pool has started its spare ones."""
    counts = [-1, processes()]
    while counts[-1] != counts[-2] and len(counts) < 20:
        time.sleep(0.5)
        counts.append(processes())
    return counts[-1]


def threads() -> int:
    return len(list(Path("/proc").glob("[0-9]*/task/[0-9]*")))


# --- taking too much


def test_fork_bomb(machine):
    assert machine.refused("import os\nwhile True: os.fork()") == "PermissionError"


def test_clone_by_hand(machine):
    code = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.syscall({}, 17, 0, 0, 0, 0))"
    assert "-1" in machine.run(code.format(56)).stdout
    assert "-1" in machine.run(code.format(435)).stdout


def test_thread_bomb(machine):
    """Threads that take turns in one: no more of the kernel's than one."""
    code = "import threading, time\nfor _ in range(9999): threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"
    before = threads()
    assert machine.run(code).status in ("ok", "memory", "timeout")
    assert threads() < before + 50


def test_threads_by_hand(machine):
    code = "import ctypes\npthread = ctypes.CDLL(None).pthread_create\nassert pthread(ctypes.byref(ctypes.c_ulong()), None, ctypes.CDLL(None).pause, None) == 0"
    machine.refused(code)


def test_ten_gigabytes_at_once(machine):
    assert machine.run("x = bytearray(10 * 2**30)").status == "memory"


def test_ten_gigabytes_bit_by_bit(machine):
    assert machine.run("x = []\nwhile True: x.append(bytearray(2**20))").status == "memory"


def test_ten_gigabytes_in_numpy(machine):
    assert machine.run("import numpy\nx = numpy.ones(10 * 2**27)").status == "memory"


def test_memory_map_of_ten_gigabytes(machine):
    assert machine.refused("import mmap\nm = mmap.mmap(-1, 10 * 2**30)") == "OSError"


def test_memory_beside_the_limits(machine):
    assert machine.refused("import os\nos.memfd_create('x')") == "PermissionError"


@pytest.mark.parametrize("call", ["vmsplice", "splice", "tee"])
def test_memory_pinned_in_pipes(machine, call):
    """Huge pages in pipes are memory that no limit counts."""
    machine.refused(
        f"import ctypes, os\nr, w = os.pipe()\nassert ctypes.CDLL(None).{call}(w, r, 1, 0) == -1\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"libc.{call}(w, r, 1, 0)\nraise PermissionError if ctypes.get_errno() == 1 else SystemExit(print('ESCAPED'))"
    )


def test_timers_without_number(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).timer_create(1, None, ctypes.byref(ctypes.c_void_p())) == 0"
    machine.refused(code)


def test_raising_the_memory_limit(machine):
    code = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))"
    assert machine.refused(code) == "ValueError"


def test_limits_of_another_process(machine):
    code = "import resource\nresource.prlimit({}, resource.RLIMIT_AS, (2**30, 2**30))"
    assert machine.refused(code.format(os.getpid())) in ("PermissionError", "ProcessLookupError")


def test_endless_output_is_killed(machine):
    result = machine.run_within(20, "while True: print('x' * 10000)")
    assert result.status == "output"
    assert len(result.stdout) < 3 * KEPT


def test_output_under_the_limit_keeps_head_and_tail(machine):
    result = machine.run("print('first')\nfor i in range(200000): print(i)\nprint('last')")
    assert (result.status, result.truncated) == ("ok", True)
    assert result.stdout.startswith("first\n")
    assert result.stdout.endswith("last\n")


def test_output_without_a_newline(machine):
    assert machine.run("print('x' * 10**6, end='')").truncated


@pytest.mark.parametrize(
    ("end", "status"), [("while True: pass", "timeout"), ("import os; os._exit(3)", "killed")]
)
def test_what_was_printed_before_the_end_is_kept(machine, end, status):
    result = machine.run(f"print('progress')\n{end}")
    assert (result.status, result.stdout) == (status, "progress\n")


def test_printing_many_lines_is_fast(machine):
    assert machine.run_within(2, "for i in range(10**5): print(i)").status == "ok"


FLOODS = {
    "output": "os.set_blocking(1, False)\nos.write(1, b'x' * 60000)",
    "killed": "os.set_blocking(40, False)\nos.write(40, bytes(60000))",
}


@pytest.mark.parametrize("status", FLOODS)
def test_flooding_the_caller_between_blocks(machine, status):
    flood = FLOODS[status].replace("\n", "\n      ")
    code = (
        "import os, signal, time\ndef flood(*_):\n  end = time.time() + 1\n  while time.time() < end:\n"
        f"    try:\n      {flood}\n    except OSError: pass\n"
        "signal.signal(14, flood)\nset_timer = signal.setitimer\nsignal.setitimer = lambda *_: 0\nset_timer(0, 0.05)"
    )

    async def use() -> tuple[float, int, Result]:
        async with machine.pool.session() as session:
            assert (await session.run(code)).status == "ok"
            before = time.process_time()
            await asyncio.sleep(1)
            spent, queued = time.process_time() - before, session.process.replies.qsize()
            return spent, queued, await session.run("1")

    spent, queued, result = machine.runner.run(use())
    assert spent < 0.3
    assert queued <= 1
    assert result.status == status


def test_filling_the_disk(machine):
    code = "f = open('x', 'wb')\nwhile True: f.write(bytes(2**20))"
    assert machine.refused(code) == "OSError"


def test_filling_the_disk_with_many_files(machine):
    code = "i = 0\nwhile True:\n  open(str(i), 'wb').write(bytes(2**19))\n  i += 1"
    assert machine.refused(code) == "OSError"


def test_running_out_of_inodes(machine):
    code = "import os\nfor i in range(10**6): os.mkdir(str(i))"
    assert machine.refused(code) == "OSError"


def test_open_files(machine):
    assert machine.refused("x = [open('/dev/null') for _ in range(5000)]") == "OSError"


def test_an_endless_loop(machine):
    assert machine.run_within(10, "while True: pass").status == "timeout"


def test_a_loop_in_c(machine):
    assert machine.run_within(10, "sum(range(10**15))").status == "timeout"


def test_a_regular_expression_that_never_ends(machine):
    code = "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')"
    assert machine.run_within(10, code).status == "timeout"


def test_huge_integers(machine):
    assert machine.run_within(10, "x = 7 ** (7 ** 12)").status in ("timeout", "memory")


def test_printing_a_huge_integer(machine):
    assert machine.run("print(len(str(10 ** 5000)))").stdout == "5001\n"
    assert machine.run_within(30, "str(10 ** 10 ** 8)").status in ("timeout", "memory")


def test_sleeping_past_the_limit(machine):
    assert machine.run_within(10, "import time\ntime.sleep(1000)").status == "timeout"


@pytest.mark.parametrize(
    "ignore", ["", "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)"]
)
def test_processor_time_of_a_whole_session(ignore):
    limits = LIMITS.model_copy(update={"cpu_s": 1, "timeout_s": 60.0})

    async def use() -> Result:
        async with SandboxPool(limits, SANDBOX_HARDWARE) as pool, pool.session() as session:
            return await session.run(f"{ignore}\nwhile True: pass")

    result = asyncio.run(use())
    assert result.status == "killed"
    assert result.message == "the session took more than 1 seconds of processor time"
    assert result.cpu_s > 0.5  # the kernel counts by ticks, whole ones
    assert result.max_rss_mb > 1


def test_recursion(machine):
    assert machine.run("def f(): return f()\nf()").error_type == "RecursionError"


def test_recursion_without_a_limit(machine):
    code = "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n  def __repr__(self): return repr(self)\nrepr(A())"
    assert machine.run(code).status in ("killed", "error", "memory")


def test_deeply_nested_source(machine):
    assert machine.run("(" * 100000 + ")" * 100000).status in ("error", "memory", "killed")


# --- not dying


def test_ignored_signals(machine):
    code = "import signal\nfor s in range(1, 31):\n  try: signal.signal(s, signal.SIG_IGN)\n  except OSError: pass\nwhile True: pass"
    assert machine.run_within(10, code).status == "timeout"


def test_catching_every_exception(machine):
    code = "while True:\n  try:\n    while True: pass\n  except BaseException: pass"
    assert machine.run_within(10, code).status == "timeout"


def test_daemonised_orphans(machine):
    machine.run("1")  # starts the pool
    before = settled_processes()
    machine.refused("import os\nif os.fork() == 0:\n  os.setsid()\n  while True: pass")
    assert settled_processes() <= before + 1


def test_zombies_do_not_pile_up(machine):
    before = processes()
    for _ in range(20):
        assert machine.run("import os; os._exit(1)").status == "killed"
    time.sleep(1.5)
    assert processes() <= before + 4


def test_leaving_by_os_exit(machine):
    assert machine.run("import os; os._exit(0)").status == "killed"


def test_abort(machine):
    assert machine.run("import os; os.abort()").status == "killed"


def test_segmentation_fault(machine):
    assert machine.run("import ctypes; ctypes.string_at(0)").status == "killed"


@pytest.mark.parametrize(
    "leave",
    ["exit()", "quit(3)", "import sys; sys.exit()", "raise SystemExit", "raise SystemExit(2)"],
)
def test_leaving_is_finishing(machine, leave):
    result = machine.run(f"print(1)\n{leave}\nprint(2)")
    assert (result.status, result.stdout) == ("ok", "1\n")


def test_leaving_with_a_message(machine):
    assert machine.run("import sys; sys.exit('no solution')").stdout == "no solution\n"


def test_keyboard_interrupt(machine):
    assert machine.run("raise KeyboardInterrupt").error_type == "KeyboardInterrupt"


def test_exit_handlers_never_run(machine):
    assert machine.run("import atexit\natexit.register(print, 'late')", "1").stdout == "1\n"


def test_an_alarm_between_blocks(machine):
    code = "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.05)"
    assert machine.run(code, "import time; time.sleep(0.2)", "5").stdout == "5\n"


# --- the network


FAMILIES = ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG"]


@pytest.mark.parametrize("family", FAMILIES)
def test_sockets(machine, family):
    code = f"import socket\nsocket.socket(socket.{family}, socket.SOCK_DGRAM)"
    assert machine.refused(code) == "PermissionError"


def test_socket_pairs(machine):
    assert machine.refused("import socket\nsocket.socketpair()") == "PermissionError"


def test_connecting_to_this_machine(machine):
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"import socket\nsocket.create_connection({server.getsockname()!r}, 1)"
        assert machine.refused(code) == "PermissionError"


def test_a_download(machine):
    machine.refused("import urllib.request\nurllib.request.urlopen('http://127.0.0.1/')")


def test_pip(machine):
    code = "import pip\nassert pip.main(['install', 'six', '--target', '.']) == 0"
    machine.refused(code)


def test_io_uring(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).syscall(425, 1, bytes(200)) >= 0"
    machine.refused(code)


# --- reading


def test_the_environment_is_empty(machine):
    """Nothing but the session's folder, and what keeps libraries from starting threads."""
    os.environ["NUMINA_SECRET"] = "abc"
    result = machine.run("import os; sorted(os.environ)")
    assert result.stdout == f"{sorted([*QUIET, 'HOME', 'TMPDIR'])}\n"


def test_the_home_folder(machine):
    machine.refused(
        f"import os\nassert os.listdir({str(Path.home())!r}) is not None and not os.path.exists('/usr/lib')"
    )
    assert (
        "False" in machine.run(f"import os; os.path.exists({str(Path.home() / '.ssh')!r})").stdout
    )


def test_the_project(machine):
    readme = Path(__file__).parents[2] / "README.md"
    assert machine.refused(f"open({str(readme)!r}).read()") in (
        "FileNotFoundError",
        "PermissionError",
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/root", "/home", "/var", "/sys"])
def test_the_systems_files(machine, path):
    code = f"import os\n(os.listdir if os.path.isdir({path!r}) else open)({path!r})"
    assert machine.refused(code) in ("FileNotFoundError", "PermissionError")


@pytest.mark.parametrize(
    "path", ["/proc/self/environ", "/proc/1/mem", "/proc/self/fd", "/proc/self/root/etc"]
)
def test_tricks_by_proc(machine, path):
    assert machine.refused(f"import os\nos.stat({path!r})") in (
        "FileNotFoundError",
        "PermissionError",
    )


def test_the_raw_devices(machine):
    machine.refused("open('/dev/mem', 'rb')")
    machine.refused("open('/dev/vda', 'rb')")
    machine.refused("import os\nos.mknod('disk', 0o60666, os.makedev(254, 0))")


def test_leaving_the_root_by_chroot(machine):
    assert machine.refused("import os\nos.mkdir('x')\nos.chroot('x')") == "PermissionError"


def test_files_by_handle(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).syscall(304, -100, bytes(64), 0) >= 0"
    machine.refused(code)


def test_standard_input(machine):
    assert machine.run("input()").error_type == "EOFError"


def test_the_kernels_log(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).syscall(103, 3, bytes(4096), 4096) >= 0"
    machine.refused(code)


def test_another_sessions_folder(machine):
    machine.runner.run(machine.neighbour.run("open('secret', 'w').write('abc')"))
    code = "import glob, os\nfound = glob.glob('/sessions/*/secret') + glob.glob('../*/secret')\nassert found"
    machine.refused(code)


TOUCHES = {
    "mode": "os.chmod({}, 0)",
    "mode of a descriptor": "os.fchmod(os.open('.', os.O_RDONLY), 0)",
    "owner": "os.chown({}, os.getuid(), os.getgid())",
    "attribute": "os.setxattr({}, 'user.a', b'leak')",
    "attribute's end": "os.removexattr({}, 'user.a')",
    "times": "os.utime({}, (1, 1))",
}


@pytest.mark.parametrize("what", TOUCHES)
@pytest.mark.parametrize("path", ["/sessions", ".", "/usr/lib"])
def test_touching_what_stands_beside_the_contents(machine, what, path):
    code = f"import os\n{TOUCHES[what].format(repr(path))}"
    assert machine.refused(code) == "PermissionError"


def test_a_neighbours_folder_has_no_name_to_guess(machine):
    code = "import os\nassert any(os.path.exists(f'/sessions/{i}') for i in range(1000))"
    machine.refused(code)


def test_watching_a_neighbours_folder(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).inotify_init1(0) >= 0"
    machine.refused(code)


def test_a_folders_times_say_nothing_to_the_next_session(machine):
    for _ in range(8):
        code = "import os\nfound = os.stat('.').st_mtime\nopen('a', 'w').close()\nos.remove('a')\nfound"
        assert machine.run(code).stdout == "0.0\n"


def test_copies_and_archives_work_without_modes_and_times(machine):
    code = (
        "import os, shutil\nos.makedirs('d/e')\nopen('d/a', 'w').write('x')\nshutil.copy('d/a', 'b')\n"
        "shutil.copy2('b', 'c')\nshutil.copytree('d', 'f')\nshutil.make_archive('z', 'tar', 'd')\n"
        "shutil.unpack_archive('z.tar', 'g')\nshutil.rmtree('d')\nsorted(os.listdir('.'))"
    )
    assert machine.run(code).stdout == "['b', 'c', 'f', 'g', 'z.tar']\n"


# --- writing


@pytest.mark.parametrize(
    "path", ["/x", "/usr/lib/x", "/dev/x", "/sessions/x", "../x", "/libraries/x"]
)
def test_writing_outside(machine, path):
    assert machine.refused(f"open({path!r}, 'w')") in (
        "PermissionError",
        "FileNotFoundError",
        "OSError",
    )


def test_writing_into_python(machine):
    assert machine.refused("import os\nopen(os.__file__, 'a')") in ("PermissionError", "OSError")


def test_a_symlink_out(machine, tmp_path):
    (tmp_path / "secret").write_text("abc")
    code = f"import os\nos.symlink({str(tmp_path / 'secret')!r}, 'link')\nopen('link').read()"
    assert machine.refused(code) in ("FileNotFoundError", "PermissionError")


def test_a_hard_link_out(machine):
    assert machine.refused("import os\nos.link(os.__file__, 'link')\nopen('link', 'a')") in (
        "OSError",
        "PermissionError",
    )


def test_nothing_of_a_session_is_left_for_the_next(machine):
    machine.run("open('left', 'w').write('abc')")
    for _ in range(8):
        assert machine.run("import os; os.listdir('.')").stdout == "[]\n"


def test_a_folder_closed_to_the_next_session(machine):
    for _ in range(8):
        result = machine.run("open('a', 'w').close()\nimport os\nos.remove('a')\nos.chmod('.', 0)")
        assert result.error_type == "PermissionError"  # and not of the first two lines


def test_working_in_its_own_folder_is_allowed(machine):
    code = "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b'abc')\nopen('a', 'w').write('b')"
    assert machine.run(code, "open('a').read()").stdout == "'b'\n"


# --- other processes


def test_running_a_program(machine):
    assert machine.refused("import subprocess\nsubprocess.run(['/bin/ls'])") == "PermissionError"


def test_running_a_shell(machine):
    result = machine.run("import os; assert os.system('echo hello') == 0")
    assert (result.status, result.stdout) == ("error", "")


def test_replacing_itself(machine):
    code = "import os, sys\nos.execv('/usr/lib/x', ['x'])"
    assert machine.refused(code) in ("PermissionError", "FileNotFoundError")


def test_a_process_pool_starts_no_process(machine):
    before = processes()
    code = "import multiprocessing, time\nps = [multiprocessing.Process(target=time.sleep, args=(0.3,)) for _ in range(20)]\nfor p in ps: p.start()"
    assert machine.run(code).status == "ok"
    assert processes() <= before + 4


# By their numbers on x86-64, where they are refused to begin with; what they would do to others.
CALLS = {
    "flags of a folder": "import fcntl, struct\nfcntl.ioctl(os.open('.', 0), 0x40086602, struct.pack('l', 0x10))",
    "extended flags": "import fcntl\nfcntl.ioctl(os.open('.', 0), 0x401C5820, bytes(28))",
    "flags of a library": "import fcntl, struct\nfcntl.ioctl(os.open(os.__file__, 0), 0x40086602, struct.pack('l', 0x40))",
    "verified files": "import fcntl\nf = open('a', 'w')\nfcntl.ioctl(os.open('a', 0), 0x40806685, bytes(128))",
    "trimming": "import fcntl\nfcntl.ioctl(os.open('.', 0), 0xC0185879, bytearray(24))",
    "input of a terminal": "import fcntl\nfcntl.ioctl(0, 0x5412, b'x')",
    "signals of a descriptor": "import fcntl\nfcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, {pid})",
    "lock of a folder": "import fcntl\nfcntl.flock(os.open(os.path.dirname(os.__file__), 0), fcntl.LOCK_EX)",
    "lock by the os module": "os.lockf(os.open(os.__file__, 0), os.F_LOCK, 0)",
    "a library as a database": "import sqlite3\nsqlite3.connect(os.__file__).execute('create table t (x)')",
    "a descriptor in a message": "import socket\nsocket.send_fds(socket.socket(fileno=40), [b'x'], [0])",
    "an abstract socket": "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0x')",
    "merged pages": "import mmap\nmmap.mmap(-1, 4096).madvise(12)",
    "dropped pages of a library": "import mmap\nmmap.mmap(os.open(os.__file__, 0), 4096, access=mmap.ACCESS_READ).madvise(21)",
    "a library in memory to write": "import mmap\nmmap.mmap(os.open(os.__file__, 0), 4096, mmap.MAP_SHARED, mmap.PROT_WRITE)",
    "a pseudoterminal": "os.openpty()",
    "shared memory of the machine": "import _posixshmem\n_posixshmem.shm_open('/x', os.O_CREAT | os.O_RDWR, mode=0o600)",
    "copy on write": "import fcntl\nf = open('a', 'w')\nfcntl.ioctl(f, 0x40049409, os.open(os.__file__, 0))",
    "priority": "os.setpriority(os.PRIO_PROCESS, 0, 5)",
    "priority of a user's processes": "os.setpriority(os.PRIO_USER, os.getuid(), 19)",
    "niceness": "os.nice(1)",
    "affinity": "os.sched_setaffinity({pid}, [0])",
    "scheduler": "os.sched_setscheduler({pid}, os.SCHED_BATCH, os.sched_param(0))",
    "lease": "import fcntl\nfcntl.fcntl(os.open(os.__file__, 0), fcntl.F_SETLEASE, fcntl.F_RDLCK)",
    "notices": "import fcntl\nfcntl.fcntl(os.open(os.path.dirname(os.__file__), 0), fcntl.F_NOTIFY, fcntl.DN_ACCESS)",
    "lock": "import fcntl\nfcntl.flock(os.open(os.__file__, 0), fcntl.LOCK_EX)",
    "record lock": "import fcntl\nfcntl.lockf(os.open(os.__file__, 0), fcntl.LOCK_SH)",
    "lock of a description": "import fcntl, struct\nfcntl.fcntl(os.open(os.__file__, 0), 37, struct.pack('hhqqi4x', 0, 0, 0, 0, 0))",
    "larger pipes": "import fcntl\nfcntl.fcntl(os.pipe()[1], 1031, 2**20)",
    "dropping a file from the cache": "os.posix_fadvise(os.open(os.__file__, 0), 0, 0, os.POSIX_FADV_DONTNEED)",
    "writing back the whole machine": "import ctypes\nassert ctypes.CDLL(None, use_errno=True).syscall(306, os.open('.', 0)) == 0",
    "an event poll": "import ctypes\nassert ctypes.CDLL(None).epoll_create1(0) >= 0",
    "an event descriptor": "os.eventfd(0)"
    if hasattr(os, "eventfd")
    else "import ctypes\nassert ctypes.CDLL(None).eventfd(0, 0) >= 0",
    "a named pipe": "os.mkfifo('x')",
    "huge pages": "import mmap\nmmap.mmap(-1, 2**21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)",
    "the clock of another process": "import time\nwhile True: time.clock_gettime((~{pid} << 3) | 2)",
    "the session of another process": "os.getsid({pid})",
    "the group of another process": "os.getpgid({pid})",
}
NUMBERS = {
    "ioprio_set": (251, "1, {pid}, 0x4000"),
    "sched_setattr": (314, "{pid}, bytes(48), 0"),
    "landlock_create_ruleset": (444, "bytes(8), 8, 0"),
    "io_setup": (206, "1, bytes(8)"),
    "timer_create": (222, "0, 0, bytes(8)"),
    "epoll_create": (213, "1"),
    "io_uring_setup": (425, "1, bytes(200)"),
    "memfd_create": (319, "b'x', 0"),
    "memfd_secret": (447, "0"),
    "ptrace": (101, "16, {pid}, 0, 0"),
    "process_vm_readv": (310, "{pid}, bytes(16), 1, bytes(16), 1, 0"),
    "kcmp": (312, "{pid}, {pid}, 0, 0, 0"),
    "pidfd_open": (434, "{pid}, 0"),
    "pidfd_getfd": (438, "3, 0, 0"),
    "rt_sigqueueinfo": (129, "{pid}, 0, bytes(128)"),
    "keyctl": (250, "0, -3, 0"),
    "add_key": (248, "b'user', b'a', b'b', 1, -3"),
    "userfaultfd": (323, "0"),
    "fanotify_init": (300, "0, 0"),
    "mq_open": (240, "b'x', 66, 384, 0"),
    "shmget": (29, "1, 4096, 950"),
    "semget": (64, "1, 1, 950"),
    "msgget": (68, "1, 950"),
    "bpf": (321, "0, bytes(64), 64"),
    "perf_event_open": (298, "bytes(128), 0, -1, -1, 0"),
    "open_tree": (428, "-100, b'.', 1"),
    "fsopen": (430, "b'tmpfs', 0"),
    "personality": (135, "0x40000"),
    "name_to_handle_at": (303, "-100, b'.', bytes(200), bytes(8), 0"),
    "sched_getparam": (143, "{pid}, bytes(8)"),
    "getpriority": (140, "0, {pid}"),
    "ioprio_get": (252, "1, {pid}"),
    "mlock2": (325, "bytes(4096), 4096, 1"),
    "readahead": (187, "0, 0, 4096"),
    "fchmodat2": (452, "-100, b'.', 511, 0"),
    "file_setattr": (469, "-100, b'.', bytes(32), 32, 0"),
    "statmount": (457, "bytes(32), bytes(600), 600, 0"),
    "timerfd_create": (283, "0, 0"),
    "signalfd4": (289, "-1, bytes(8), 8, 0"),
    "mlock": (149, "bytes(4096), 4096"),
    "move_pages": (279, "{pid}, 0, 0, 0, 0, 0"),
    "migrate_pages": (256, "{pid}, 0, 0, 0"),
    "process_madvise": (440, "0, 0, 0, 0, 0"),
    "get_robust_list": (274, "{pid}, bytes(8), bytes(8)"),
    "setpgid": (109, "0, 0"),
    "sync": (162, ""),
    "setns": (308, "0, 0"),
    "seccomp": (317, "2, 0, 0"),
}


@pytest.mark.parametrize("namespaces", [True, False])
@pytest.mark.parametrize("what", [*CALLS, *NUMBERS])
def test_what_would_reach_others(what, namespaces, machine, without_namespaces):
    used = machine if namespaces else without_namespaces
    pid = used.pool.zygotes["plain"].process.pid
    if what in CALLS:
        code = CALLS[what].replace("{pid}", str(pid))
        assert used.refused(f"import os\n{code}") in (
            *("PermissionError", "ProcessLookupError", "OSError", "AssertionError"),
            *("FileNotFoundError", "DatabaseError", "OperationalError"),
        )
    else:
        call, arguments = NUMBERS[what]
        code = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        code += f"print(libc.syscall({call}, {arguments.replace('{pid}', str(pid))}), ctypes.get_errno())"
        assert used.run(code).stdout == "-1 1\n"


PLACES = (
    "import os, sys, platform, socket, sysconfig, site, numpy\n"
    "found = [sys.path, sys.argv, sys.orig_argv, sys.executable, sys.prefix, sys.exec_prefix, dict(os.environ), os.getcwd(),\n"
    "  [getattr(m, '__file__', '') for m in list(sys.modules.values())], sysconfig.get_paths(), list(sys.path_importer_cache)]\n"
    "frame = sys._getframe()\nwhile frame: found.append(frame.f_code.co_filename); frame = frame.f_back\n"
    "found += [os.path.realpath(p) for p in (numpy.__file__, os.__file__)]\n"
    "for name in (os.uname, lambda: os.uname().nodename, platform.node, socket.gethostname): found.append(str(name()))\n"
    "import ctypes\nb = ctypes.create_string_buffer(400)\nctypes.CDLL(None).gethostname(b, 400); found.append(b.raw)\n"
    "ctypes.CDLL(None).uname(b); found.append(b.raw)\n"
    "env = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')\n"
    "print(found)"
)


@pytest.mark.parametrize("namespaces", [True, False])
def test_the_names_of_the_machine_and_of_the_projects_place(
    namespaces, machine, without_namespaces
):
    used = machine if namespaces else without_namespaces
    project = str(Path(__file__).parents[2])
    hidden = [project, *([] if sys.prefix == sys.base_prefix else [sys.prefix])]
    told = f"import json\ntext = str(found)\nprint([place in text for place in {hidden!r}])"
    result = used.run(PLACES.replace("print(found)", told))
    assert result.stdout == f"{[False] * len(hidden)}\n"
    assert (
        used.run("import platform, socket\nprint(platform.node(), socket.gethostname())").stdout
        == "sandbox sandbox\n"
    )
    raw = "import ctypes\nb = ctypes.create_string_buffer(400)\nctypes.CDLL(None).uname(b)\nprint(b.raw[65:72] in (b'sandbox', bytes(7)))"
    assert used.run(raw).stdout == "True\n"


def test_the_files_of_a_project_installed_in_place(machine):
    code = (
        "import glob, sys\nnames = [n for p in sys.path for e in ('/__editable__*', '/*.dist-info/direct_url.json') for n in glob.glob(p + e)]\n"
        "print([n for n in names if open(n).read()])"
    )
    assert machine.run(code).stdout == "[]\n"


# --- all sessions together


def test_memory_of_all_sessions_together():
    hardware = SANDBOX_HARDWARE.model_copy(update={"all_memory_mb": 300})

    async def use() -> list[Result]:
        async with SandboxPool(LIMITS, hardware) as pool:
            sessions = [pool.open() for _ in range(5)]
            for size, session in enumerate(sessions):
                await session.run(f"x = b'x' * ({90 + size} * 2**20)")
            await asyncio.sleep(1.5)
            results = [await session.run("len(x) > 0") for session in sessions]
            for session in sessions:
                session.close()
            return results

    results = asyncio.run(use())
    ended = [result for result in results if result.status != "ok"]
    assert len(ended) in (2, 3)  # whichever were the largest when they were looked at
    for result in ended:
        assert result.status == "memory"
        assert result.message == "the sessions together held more than 300 MB, this one the most"


LOOKUPS = """
import os
for i in range(10**9):
    os.path.exists(f"/usr/{'n' * 240}{os.getpid()}-{i}")
"""


def test_names_of_missing_files_count_as_memory():
    """Each stays in the kernel's memory, which no limit of a process counts."""
    if not cached_names():
        pytest.skip("this kernel does not count the names of missing files")
    limits = LIMITS.model_copy(update={"memory_mb": 100, "timeout_s": 20.0})

    async def use() -> list[Result]:
        async with SandboxPool(limits, SANDBOX_HARDWARE) as pool, pool.session() as session:
            return [await session.run(LOOKUPS), await session.run("1 + 1")]

    before = cached_names()
    looked_up, after = asyncio.run(use())
    assert looked_up.status == "memory"
    assert re.match("it looked up too many files that do not exist", looked_up.message)
    assert cached_names() - before < 10 * 100 * 2**20 / NAME_BYTES
    assert after.status == "ok"


def test_a_machine_that_looks_up_names_ends_no_session(monkeypatch):
    """A session is charged no more names than it had system time for."""
    counts = itertools.count(0, 10**9)
    monkeypatch.setattr(names, "cached_names", lambda: next(counts))

    async def use() -> Result:
        async with SandboxPool(LIMITS, SANDBOX_HARDWARE) as pool, pool.session() as session:
            return await session.run("import time\nfor _ in range(3): time.sleep(0.5)\n1 + 1")

    assert asyncio.run(use()).status == "ok"


def test_an_early_reply_does_not_go_round_the_slots(machine):
    """A program that forges the reply to its block and goes on stands still until the next."""
    code = (
        "import gc, json, os, struct, sys, time\nframe = sys._getframe()\n"
        "while 'request' not in frame.f_locals: frame = frame.f_back\n"
        "reply = {'status': 'ok', 'error_type': None, 'message': None, 'traceback': None, 'cpu_s': 0, 'max_rss_mb': 0, 'token': frame.f_locals['request']['token']}\n"
        "body = json.dumps(reply).encode()\nos.write(40, struct.pack('<I', len(body)) + body)\nwhile True: time.process_time()"
    )

    async def use() -> tuple[Result, float]:
        async with machine.pool.session() as session:
            result = await session.run(code)
            clock = (~session.process.pid << 3) | 2
            await asyncio.sleep(0.1)
            before = time.clock_gettime(clock)
            await asyncio.sleep(0.5)
            return result, time.clock_gettime(clock) - before

    result, went_on_for = machine.runner.run(use())
    assert result.status == "ok"
    assert went_on_for < 0.05


# --- lying


def test_a_reply_written_on_every_descriptor(machine):
    forged = '{"status": "ok", "error_type": null, "message": null, "traceback": null, "cpu_s": 0, "max_rss_mb": 0}'
    code = f"import os, struct\nf = b'''{forged}'''\nfor d in range(3, 64):\n  try: os.write(d, struct.pack('<I', len(f)) + f)\n  except OSError: pass\n1 / 0"
    assert machine.run(code).status != "ok"


def test_a_reply_for_the_next_block(machine):
    code = "import os, struct\nf = b'{}'\nfor d in range(3, 64):\n  try: os.write(d, struct.pack('<I', len(f)) + f)\n  except OSError: pass"
    assert machine.run(code).status == "killed"


def test_garbage_on_the_channel(machine):
    code = "import os\nfor d in range(3, 64):\n  try: os.write(d, b'\\xff' * 1000)\n  except OSError: pass"
    assert machine.run(code).status == "killed"


def test_a_reply_nested_beyond_reading(machine):
    code = "import os, struct\nf = b'[' * 200000\nos.write(40, struct.pack('<I', len(f)) + f)"
    assert machine.run(code).status == "killed"


@pytest.mark.parametrize("seconds", ["10**400", "float('nan')", "float('inf')"])
def test_processor_time_that_is_no_number(machine, seconds):
    code = f"import time\nclass Now(int):\n  def __sub__(self, other): return {seconds}\ntime.process_time = lambda: Now(5)"
    assert machine.run(code).status == "killed"


def test_closing_every_descriptor(machine):
    assert machine.run("import os\nos.closerange(0, 64)").status == "killed"


def test_closed_stdout(machine):
    assert machine.run("import sys\nsys.stdout.close()", "print(1)").stdout == "1\n"


def test_closed_descriptor_of_stdout(machine):
    assert machine.run("import os\nos.close(1)\nos.close(2)", "print(1)").stdout == "1\n"


def test_monkeypatched_builtins(machine):
    code = "import builtins\nbuiltins.print = builtins.repr = builtins.compile = None"
    assert machine.run(code, "1 + 1").status in ("error", "killed")


def test_walking_the_frames_does_not_change_the_clock(machine):
    code = (
        "import sys, time\nframe = sys._getframe()\nwhile frame: frame = frame.f_back\n"
        "time.monotonic = time.process_time = lambda: 0\ntime.sleep(0.3)"
    )
    assert machine.run(code).wall_s > 0.29


def test_walking_the_heap_reaches_no_other_session(machine):
    machine.runner.run(machine.neighbour.run("treasure = 'xyzzy' * 3"))
    code = "import gc\nassert any('xyz' + 'zyxyz' in str(o) for o in gc.get_objects() if isinstance(o, dict))"
    machine.refused(code)


def test_a_trace_function_left_behind(machine):
    code = "import sys\ndef spy(*a): raise ValueError\nsys.settrace(spy)"
    assert machine.run(code, "2").stdout == "2\n"


def test_an_exception_whose_message_fails(machine):
    code = "class E(Exception):\n  def __str__(self): raise ValueError\nraise E"
    assert machine.run(code).error_type == "E"


def test_an_exception_that_no_file_takes(machine):
    result = machine.run("raise ValueError('\\ud800')")
    assert (result.error_type, result.message) == ("ValueError", "?")
    assert result.traceback.encode().endswith(b"ValueError: ?")


def test_an_exception_whose_class_lies_about_its_name(machine):
    code = "class M(type):\n  __name__ = property(lambda cls: 1 / 0)\nclass E(Exception, metaclass=M): pass\nraise E"
    assert machine.run(code).error_type == "E"


def test_an_exception_with_a_huge_message(machine):
    result = machine.run("raise ValueError('x' * 10**7)")
    assert result.error_type == "ValueError"
    assert len(result.message) < 20000


def test_a_value_whose_repr_never_ends(machine):
    code = "class A:\n  def __repr__(self):\n    while True: pass\nA()"
    assert machine.run_within(10, code).status == "timeout"


# --- what is no program


def test_bytes_that_are_no_text(machine):
    assert machine.run(b"print('\xff\xfe')").error_type == "UnicodeDecodeError"


def test_a_null_character(machine):
    assert machine.run("print(1)\0").status == "error"


def test_broken_unicode_in_the_source(machine):
    assert machine.run("print('\ud800')").status == "error"


def test_broken_unicode_in_the_output(machine):
    assert machine.run("import os\nn = os.write(1, b'\\xff\\xfe')").stdout == "\ufffd\ufffd"
    assert machine.run("print(chr(0xd800))").status == "ok"


def test_no_python(machine):
    assert machine.run("Let x be the number of ducks.").error_type == "SyntaxError"


def test_an_empty_program(machine):
    result = machine.run("")
    assert (result.status, result.stdout) == ("ok", "")


def test_ten_megabytes_of_program(machine):
    assert machine.run("x = 1\n" * 1_700_000).status in ("ok", "memory", "timeout", "killed")


# --- deaths around it


@pytest.mark.parametrize("victim", ["outer", "inner"])
@pytest.mark.parametrize("namespaces", [True, False])
def test_the_zygote_dies_and_the_pool_goes_on(victim, namespaces, monkeypatch):
    if not namespaces:
        code = "from numina.sandbox.jail import isolation, zygote\nisolation.enter_namespaces = lambda: False\nzygote.main()"
        monkeypatch.setattr("numina.sandbox.zygotes.PROGRAM", ["-c", code])

    async def use() -> tuple[Result, Result]:
        async with SandboxPool(LIMITS, SANDBOX_HARDWARE) as pool:
            async with pool.session() as session:
                await session.run("1")
                family = family_of(pool.zygotes["plain"].process.pid)
                os.kill(family[victim == "inner"], signal.SIGKILL)
                lost = await session.run("import time; time.sleep(1)")
            async with pool.session() as session:
                return lost, await session.run("3")

    lost, well = asyncio.run(use())
    assert lost.status == "killed"
    assert well.stdout == "3\n"


@pytest.mark.parametrize("namespaces", [True, False])
def test_nothing_survives_the_callers_death(namespaces, tmp_path):
    less = "isolation.enter_namespaces = lambda: False\n"
    code = (
        "import asyncio, sys\nfrom numina.sandbox import zygotes\nfrom numina.sandbox.pool import SandboxPool\n"
        "from tests.conftest import SANDBOX, SANDBOX_HARDWARE\n"
        f"if not {namespaces}:\n  zygotes.PROGRAM = ['-c', {'from numina.sandbox.jail import isolation, zygote' + chr(10) + less + 'zygote.main()'!r}]\n"
        "async def main():\n  async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool, pool.session() as s:\n"
        "    await s.run('open(\"a\", \"w\").close()')\n    print(pool.zygotes['plain'].process.pid, flush=True)\n"
        "    await s.run('import ctypes\\nctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\\nwhile True: pass')\n"
        "asyncio.run(main())"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert caller.stdout is not None
    zygote = int(caller.stdout.readline())
    family = family_of(zygote)
    assert len(family) >= 3  # the outer and inner zygote, and sessions
    caller.kill()
    caller.wait()
    deadline = time.monotonic() + 10

    def left() -> list[object]:
        return [pid for pid in family if os.path.exists(f"/proc/{pid}")] + [*tmp_path.iterdir()]

    while left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left() == []


def family_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in family_of(int(child)))]


LIMITS_THAT_CANNOT_BE = [
    *[("timeout_s", value) for value in (-1, 0, 3601, float("nan"), float("inf"))],
    *[("cpu_s", value) for value in (0, 86401)],
    *[("memory_mb", value) for value in (63, 10**14)],
    *[("file_mb", value) for value in (0, 10**14)],
    *[("output_mb", value) for value in (0, 10**14)],
    *[("output_chars", value) for value in (39, 10**14)],
]


@pytest.mark.parametrize(("name", "value"), LIMITS_THAT_CANNOT_BE)
def test_impossible_limits_fail_at_construction(name, value):
    with pytest.raises(ValueError, match=name):
        Sandbox(**{**SANDBOX.model_dump(), name: value})


@pytest.mark.parametrize("value", [49, 1025])
def test_impossible_numbers_of_open_files(value):
    with pytest.raises(ValueError, match="open_files"):
        SandboxHardware(**{**SANDBOX_HARDWARE.model_dump(), "open_files": value})


def test_a_limit_that_the_kernel_cannot_hold_is_a_layer_that_is_missing():
    code = (
        "from numina.sandbox.jail import isolation\n"
        "limits = isolation.Limits(memory_mb=10**14, cpu_s=1, file_mb=1, open_files=64)\n"
        "print(isolation.limit_resources(limits, False))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
