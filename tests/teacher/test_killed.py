"""After kill -9 nothing that was paid for is asked again, counted at the server."""

import asyncio
import json
import signal
import sys
from collections import Counter

import pytest

from tests.conftest import ROOT
from tests.engine.misbehaving import Asked, Reply, Told, serving
from tests.teacher.speaking import END, OPENED, solving

NUMBER, AT_ONCE = 12, 4
LIMIT_S = 120


def question(asked: Asked) -> str:
    """What is asked, whole."""
    return json.dumps(asked.body.get("messages") or asked.body["prompt"])


@pytest.mark.parametrize("kind", ["chat", "completions"])
@pytest.mark.parametrize("answered", [1, 9, 17])
def test_after_kill_9_no_answer_is_asked_for_twice(tmp_path, kind, answered):
    """The server answers some requests and lets the rest hang, then the run is killed."""
    server = Told()
    hanging = Reply(b"", delay=LIMIT_S)
    server.by = lambda asked: solving(asked) if len(server.asked) <= answered else hanging

    async def run(url: str) -> asyncio.subprocess.Process:
        command = ["-m", "tests.teacher.attempting", url, str(tmp_path), kind, str(NUMBER)]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def go() -> tuple[list[str], list[str], list[str]]:
        async with asyncio.timeout(LIMIT_S), serving(server) as urls:
            first = await run(urls[0])
            # A place is free again once an answer is kept: with requests that hang in all places,
            # of which there is one more after each answer, all answers are kept.
            while len(server.asked) < answered + min(AT_ONCE, answered + 1):
                await asyncio.sleep(0.02)
            first.send_signal(signal.SIGKILL)
            await first.wait()
            paid = [question(asked) for asked in server.asked[:answered]]
            before = len(server.asked)
            server.by = solving
            second = await run(urls[0])
            printed, _ = await second.communicate()
            assert second.returncode == 0
            return paid, [question(asked) for asked in server.asked[before:]], json.loads(printed)

    paid, asked_again, texts = asyncio.run(go())
    assert texts == [OPENED + "42\n```\n" + END] * NUMBER
    assert Counter(paid) & Counter(asked_again) == Counter()
    assert len(paid) + len(asked_again) == 2 * NUMBER
