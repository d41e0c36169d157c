"""Sessions, zygotes and descriptors come and go: none is lost, whoever is cancelled when."""

import asyncio
import os
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from numina.sandbox.jail.files import remove_tree
from numina.sandbox.pool import SandboxPool
from numina.sandbox.result import Result
from tests.conftest import SANDBOX, SANDBOX_HARDWARE


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def run_one(pool: SandboxPool, *blocks: str) -> Result:
    async with pool.session() as session:
        return [await session.run(block) for block in blocks][-1]


def test_cancelled_runs_leave_no_session_behind():
    async def use() -> tuple[int, int, Result]:
        rng = random.Random(1)
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            await run_one(pool, "1")
            before = descriptors()
            for _ in range(40):
                tasks = [asyncio.create_task(run_one(pool, "1", "2")) for _ in range(6)]
                await asyncio.sleep(0.01 * rng.random())
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            return before, descriptors(), await run_one(pool, "6 * 7")

    before, after, result = asyncio.run(use())
    assert after <= before
    assert result.stdout == "42\n"


@pytest.mark.parametrize("death", [False, True])
def test_cancelling_while_a_zygote_starts_delays_nobody(death):
    async def use() -> Result:
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
            if death:
                await run_one(pool, "import numpy")
                pool.zygotes["numeric"].process.kill()
                pool.zygotes["numeric"].process.wait()
            for _ in range(3):
                waiting = asyncio.create_task(run_one(pool, "import numpy"))
                await asyncio.sleep(0.02)
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            return await asyncio.wait_for(run_one(pool, "import numpy; print(7)"), 60)

    assert asyncio.run(use()).stdout == "7\n"


def test_a_pool_that_closes_while_its_zygotes_start():
    async def use() -> None:
        waiting = asyncio.create_task(SandboxPool(SANDBOX, SANDBOX_HARDWARE).__aenter__())
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(asyncio.wait_for(use(), 10))


def test_blocks_at_once_in_one_session_take_turns():
    async def use() -> list[Result]:
        async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool, pool.session() as session:
            slow = session.run("import time; time.sleep(0.1); print('a')")
            return await asyncio.gather(slow, session.run("print('b')"))

    assert [result.stdout for result in asyncio.run(use())] == ["a\n", "b\n"]


MANY = """
import asyncio, collections, resource, sys
soft, hard, sessions = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from numina.sandbox.pool import SandboxPool
from tests.conftest import SANDBOX, SANDBOX_HARDWARE
async def main():
    async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
        held = [pool.open() for _ in range(sessions)]
        done = await asyncio.gather(*[session.run("1") for session in held])
        print(dict(collections.Counter(result.status for result in done)))
        for session in held:
            session.close()
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("soft", "hard", "shown"),
    [(64, 4096, "{'ok': 36}\n"), (64, 64, "'killed': ")],
    ids=["the soft limit is raised", "the hard limit ends in results"],
)
def test_more_sessions_than_descriptors(soft, hard, shown):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip("the limit on open files is lower here")
    done = subprocess.run(
        [sys.executable, "-c", MANY, str(soft), str(hard), "36"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert shown in done.stdout


def test_a_folder_too_deep_for_recursion_is_removed(tmp_path):
    home = Path.cwd()
    try:
        os.mkdir(tmp_path / "deep")
        os.chdir(tmp_path / "deep")
        for _ in range(3000):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(home)
    (tmp_path / "out").symlink_to(home)
    remove_tree(str(tmp_path))
    assert not tmp_path.exists()
    assert home.exists()
