"""Hostile programs: each test is named after the trap, and holds one property.

After each, a neighbour's session that was there before still has its names, and a new one works.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from numina.sandbox.jail.zygote import QUIET
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


def processes() -> int:
    return len([name for name in os.listdir("/proc") if name.isdigit()])


# --- taking too much


def test_fork_bomb(machine):
    assert machine.refused("import os\nwhile True: os.fork()") == "PermissionError"


def test_clone_by_hand(machine):
    code = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.syscall({}, 17, 0, 0, 0, 0))"
    assert "-1" in machine.run(code.format(56)).stdout
    assert "-1" in machine.run(code.format(435)).stdout


def test_thread_bomb(machine):
    code = "import threading, time\nfor _ in range(9999): threading.Thread(target=time.sleep, args=(9,)).start()"
    assert machine.refused(code) == "RuntimeError"


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
    assert machine.refused("print(10 ** 100000)") == "ValueError"


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
    before = processes()
    machine.refused("import os\nif os.fork() == 0:\n  os.setsid()\n  while True: pass")
    assert processes() <= before + 1


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


@pytest.mark.parametrize("path", ["/x", "/usr/lib/x", "/dev/x", "/tmp/x", "/sessions/x", "../x"])
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


def test_a_process_pool(machine):
    machine.refused("import multiprocessing\nprint(multiprocessing.Pool(2).map(abs, [1]))")


@pytest.mark.parametrize("target", ["os.getppid()", "-1", "2", "3"])
def test_killing_others(machine, target):
    machine.run(f"import os\nos.kill({target}, 9)")
    assert machine.pool.zygotes["plain"].process.poll() is None


def test_killing_by_real_number(machine):
    code = f"import os\nos.kill({machine.pool.zygotes['plain'].process.pid}, 9)"
    assert machine.refused(code) in ("PermissionError", "ProcessLookupError")


@pytest.mark.parametrize("command", [8, 10, 15])
def test_signals_by_way_of_a_descriptor(machine, command):
    """F_SETOWN, F_SETSIG, F_SETOWN_EX: the kernel sends what kill may not."""
    code = f"import fcntl, os\nfcntl.fcntl(os.pipe()[0], {command}, os.getpid())"
    assert machine.refused(code) == "PermissionError"


def test_signals_by_way_of_a_socket(machine):
    code = "import fcntl, struct\nfcntl.ioctl(40, 0x8901, struct.pack('i', 1))"
    assert machine.refused(code) == "PermissionError"


def test_outliving_the_zygote(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0"
    machine.refused(code)


def test_tracing_another(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).ptrace(16, 2, 0, 0) == 0"
    machine.refused(code)


def test_new_namespaces_inside(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).unshare(0x10000000) == 0"
    machine.refused(code)


def test_mounting(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).mount(b'x', b'.', b'tmpfs', 0, b'') == 0"
    machine.refused(code)


def test_the_keyring(machine):
    code = "import ctypes\nassert ctypes.CDLL(None).syscall(250, 0, -3, 1) >= 0"
    machine.refused(code)


def test_bpf(machine):
    machine.refused("import ctypes\nassert ctypes.CDLL(None).syscall(321, 0, bytes(72), 72) >= 0")


def test_changing_the_clock(machine):
    before = time.time()
    assert machine.refused("import time\ntime.clock_settime(0, 0)") == "PermissionError"
    assert time.time() - before < 100


def test_setting_the_user(machine):
    machine.refused("import os\nassert os.getuid() != 0 or True\nos.setuid(12345)")


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
