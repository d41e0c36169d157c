"""The processes behind hard pairs: they hang, die and are asked from everywhere."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from numina.answer.equal import equal
from numina.answer.pool import GradingPool

HANG = "9^{9^{9^9}}"
CALLER = """
import sys, threading, time
from numina.answer.pool import GradingPool
pool = GradingPool(size=2, limit_s=2)
print(pool.decide("x+1", "1+x")[0], flush=True)
threading.Thread(target=pool.decide, args=("9^{9^{9^9}}", "5"), daemon=True).start()
pool.decide("y+1", "1+y")
found = [worker.process.pid for worker in [pool.idle.get_nowait()] if worker]
print(*found, flush=True)
time.sleep(60)
"""


@pytest.fixture
def pool():
    pool = GradingPool(size=2, limit_s=1.0)
    yield pool
    pool.close()


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_hang_costs_its_limit_and_nothing_more(pool):
    assert pool.decide("x+1", "1+x")[0] is True
    verdict, method, why = pool.decide(HANG, "5")
    assert (verdict, method, why) == (None, "timeout", "over 1 s of processor time")
    assert pool.decide("x+2", "2+x")[0] is True


def test_hangs_are_side_by_side_and_others_go_on(pool):
    with ThreadPoolExecutor(6) as threads:
        pairs = [(HANG, "5"), ("x+1", "1+x"), (HANG, "6"), ("x+1", "2+x"), ("x", "x+0")]
        found = [done[0] for done in threads.map(lambda pair: pool.decide(*pair), pairs)]
    assert found == [None, True, None, False, True]


def test_the_limit_is_processor_time(pool):
    """A worker that is stopped for longer than its limit still gives its verdict."""
    pool.decide("x+1", "1+x")
    worker = pool.idle.get()
    pool.idle.put(worker)
    os.kill(worker.process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(pool.decide, "x+2", "2+x")
        time.sleep(2 * pool.limit_s)
        os.kill(worker.process.pid, signal.SIGCONT)
        assert done.result()[0] is True


def test_canonical_forms_have_the_same_limits(pool):
    assert pool.canonical("2^4+2") == "18"
    assert pool.canonical(HANG).startswith("text")  # refused, not tried
    assert pool.canonical("1+1") == "2"


def test_a_worker_that_was_killed_is_replaced(pool):
    pool.decide("x+1", "1+x")
    worker = pool.idle.get()
    pool.idle.put(worker)
    worker.process.kill()
    worker.process.wait()
    assert pool.decide("x+1", "1+x")[0] is True


def test_a_worker_killed_at_work_is_a_verdict(pool):
    pool.decide("x+1", "1+x")
    worker = pool.idle.get()
    pool.idle.put(worker)
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(pool.decide, HANG, "5")
        time.sleep(0.3)
        os.kill(worker.process.pid, signal.SIGSEGV)
        verdict, method, _ = done.result()
    assert (verdict, method) == (None, "crash")


@pytest.mark.parametrize("costly", ["2^{9^{11}}+1", "(" * 990 + "1" + ")" * 990])
def test_memory_and_depth_are_limited(pool, costly):
    assert pool.decide(costly, "2")[0] is not True
    assert pool.decide("x+1", "1+x")[0] is True


def test_many_threads_at_once():
    pairs = [(f"{n}x+{n}", f"{n}(x+{1 + n % 2})") for n in range(1, 101)]
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda pair: equal(*pair).equal, pairs))
    assert found == [n % 2 == 0 for n in range(1, 101)]


def test_an_event_loop_goes_on_meanwhile():
    async def use() -> tuple[list[bool | None], int]:
        turns = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.005)
                turns += 1

        ticking = asyncio.create_task(tick())
        done = await asyncio.gather(
            *[
                asyncio.to_thread(equal, rf"\sqrt{{{n * n * 7}}}", rf"{n}\sqrt{{7}}")
                for n in range(2, 30)
            ]
        )
        ticking.cancel()
        return [verdict.equal for verdict in done], turns

    found, turns = asyncio.run(use())
    assert found == [True] * 28
    assert turns > 0


def test_importing_the_grader_imports_no_sympy():
    code = "import sys, numina.answer.equal; print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.skipif(not os.path.exists("/proc"), reason="needs /proc")
def test_a_request_that_follows_at_once_never_ends_the_process(pool):
    """A signal that says that a request came must not end the work on it."""
    replies = [pool.ask([f"x+{n}", f"{n}+x"])[0] for n in range(3000)]
    assert [reply for reply in replies if reply is None or reply[0] is not True] == []


def test_a_caller_that_is_killed_leaves_no_worker():
    with subprocess.Popen(
        [sys.executable, "-c", CALLER], stdout=subprocess.PIPE, text=True
    ) as caller:
        assert caller.stdout
        assert caller.stdout.readline() == "True\n"
        idle = [int(pid) for pid in caller.stdout.readline().split()]
        with open(f"/proc/{caller.pid}/task/{caller.pid}/children") as children:
            workers = {*idle, *map(int, children.read().split())}
        caller.kill()
    assert workers
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline and any(map(alive, workers)):
        time.sleep(0.1)
    assert not [pid for pid in workers if alive(pid)]
