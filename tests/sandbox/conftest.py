"""Sessions that tests run blocks in."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from numina.sandbox.pool import SandboxPool
from numina.sandbox.result import Result
from tests.conftest import SANDBOX, SANDBOX_HARDWARE

LIMITS = SANDBOX.model_copy(update={"timeout_s": 10.0, "memory_mb": 1024})
Run = Callable[..., list[Result]]


@contextlib.contextmanager
def running() -> Iterator[Run]:
    """Gives a function that runs blocks in a session of their own."""
    with asyncio.Runner() as runner:
        pool = SandboxPool(LIMITS, SANDBOX_HARDWARE)
        runner.run(pool.__aenter__())

        def run(*blocks: str, seed: int = 0) -> list[Result]:
            async def one() -> list[Result]:
                async with pool.session(seed) as session:
                    return [await session.run(block) for block in blocks]

            return runner.run(asyncio.wait_for(one(), 100))

        try:
            yield run
        finally:
            runner.run(pool.__aexit__())


@contextlib.contextmanager
def without_namespaces() -> Iterator[Run]:
    """As `running`, on a machine that gives its users no namespaces."""
    code = (
        "from numina.sandbox.jail import isolation, zygote\n"
        "isolation.enter_namespaces = lambda: False\nzygote.main()"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numina.sandbox.zygotes.PROGRAM", ["-c", code])
        with running() as run:
            yield run


@pytest.fixture(scope="module")
def blocks() -> Iterator[Run]:
    with running() as run:
        yield run


def printed_by_python(code: str, folder: Path) -> str:
    """What Python itself prints for a program, outside of any sandbox."""
    (folder / "program.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "program.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return done.stdout.strip()
