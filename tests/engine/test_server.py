"""The server engine: against two real vLLM servers, and against one that fails as it is told."""

import asyncio
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from aiohttp import web

from numina.engine.protocol import Completion, Sampling
from numina.engine.server import ServerEngine
from numina.errors import UserError
from numina.settings.params import load
from tests.engine.test_transformers import PROMPTS, complete
from tests.engine.test_vllm import ENVIRONMENT, PYTHON, needs_vllm

GREEDY = Sampling(0, 1, 24, (), 1)


def params(*urls: str, **changes):
    given = {"name": "server", "urls": urls, "timeout_s": 60, "patience_s": 5} | changes
    return load().engine.model_copy(update=given)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def serve(model, port: int) -> subprocess.Popen[bytes]:
    command = [str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    options = ["--dtype", "float32", "--max-model-len", "400", "--enforce-eager"]
    return subprocess.Popen(
        [*command, *options, "--host", "127.0.0.1", "--port", str(port)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def servers(model_folder):
    """Two servers, as (process, base URL)."""
    ports = [free_port(), free_port()]
    processes = [serve(model_folder, port) for port in ports]
    try:
        deadline = time.monotonic() + 300
        while not all(map(is_up, ports)):
            assert time.monotonic() < deadline, "the servers did not start"
            assert all(process.poll() is None for process in processes)
            time.sleep(1)
        yield [
            (process, f"http://127.0.0.1:{port}/v1")
            for process, port in zip(processes, ports, strict=True)
        ]
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(30)


@needs_vllm
def test_real_servers_give_the_text_of_the_transformers_engine(servers, model_folder):
    ours = complete(model_folder, [GREEDY] * 3)
    word = ours[1].text[2:5]

    async def go() -> tuple[list[Completion], Completion]:
        async with ServerEngine(model_folder, params(*[url for _, url in servers])) as engine:
            free = await asyncio.gather(*[engine.complete(p, GREEDY) for p in PROMPTS])
            return free, await engine.complete(PROMPTS[1], Sampling(0, 1, 24, (word,), 1))

    free, stopped = asyncio.run(go())
    for mine, theirs in zip(ours, free, strict=True):
        assert (mine.text, mine.finish) == (theirs.text, theirs.finish)
        assert mine.generated_tokens == theirs.generated_tokens
        assert mine.logprob_sum == pytest.approx(theirs.logprob_sum, abs=0.024)
    assert stopped.finish == "stop"
    assert stopped.text == free[1].text[: free[1].text.index(word) + len(word)]


@needs_vllm
def test_a_request_that_a_real_server_refuses_is_an_error_with_its_message(servers, model_folder):
    async def go() -> None:
        async with ServerEngine(model_folder, params(servers[0][1])) as engine:
            await engine.complete("We add " * 1000, GREEDY)

    with pytest.raises(UserError, match=r"status 400.*context length"):
        asyncio.run(go())


@needs_vllm
def test_one_of_two_real_servers_is_killed_and_no_work_is_lost(servers, model_folder):
    """Last of the tests of the pair, as it leaves one."""
    prompts = [f"{PROMPTS[i % 3]} {i}" for i in range(48)]
    samplings = [Sampling(0, 1, 10 + 6 * i, (), 1) for i in range(48)]  # they end one by one
    (doomed, doomed_url), (_, url) = servers

    async def go() -> tuple[list[Completion], list[Completion], int]:
        async with ServerEngine(model_folder, params(doomed_url, url)) as engine:
            jobs = [engine.complete(*job) for job in zip(prompts, samplings, strict=True)]
            tasks = [asyncio.create_task(job) for job in jobs]
            while not all(server.in_flight for server in engine.servers):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            in_flight = engine.servers[0].in_flight
            os.killpg(doomed.pid, signal.SIGKILL)
            done = await asyncio.gather(*tasks)
            assert engine.servers[0].failures > 0
        async with ServerEngine(model_folder, params(url)) as engine:
            jobs = [engine.complete(*job) for job in zip(prompts, samplings, strict=True)]
            return done, await asyncio.gather(*jobs), in_flight

    done, whole, in_flight = asyncio.run(go())
    assert in_flight > 0, "it had work when it was killed"
    assert [completion.text for completion in done] == [completion.text for completion in whole]


class Told:
    """A server that answers requests by a list of statuses, 200 once it is used up."""

    def __init__(self, statuses: list[int], **choice) -> None:
        self.statuses, self.choice = statuses, choice
        self.seen: list[dict[str, str]] = []
        self.cancelled = 0
        self.delay = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(dict(request.headers))
        try:
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            return web.Response(status=status, text="max_tokens is too large")
        choice = {"text": "4", "finish_reason": "stop", "stop_reason": None} | self.choice
        choice = {key: value for key, value in choice.items() if value != "absent"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        return web.json_response({"choices": [choice], "usage": usage})


def ask(model_folder, *told: Told, sampling: Sampling = GREEDY, times: int = 1, **changes):
    """What completions become of servers that do as they are told."""

    async def go() -> list[Completion]:
        urls, runners = [], []
        for server in told:
            app = web.Application()
            app.router.add_post("/v1/completions", server.answer)
            runner = web.AppRunner(app, handler_cancellation=True)
            await runner.setup()
            port = free_port()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            urls.append(f"http://127.0.0.1:{port}/v1")
            runners.append(runner)
        try:
            given = params(*urls, served_model="m", **changes)
            async with ServerEngine(model_folder, given) as engine:
                return await asyncio.gather(*[engine.complete("Q", sampling) for _ in range(times)])
        finally:
            for runner in runners:
                await runner.cleanup()

    return asyncio.run(go())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(model_folder, status):
    server = Told([status, status])
    (completion,) = ask(model_folder, server)
    assert (completion.text, completion.finish) == ("4", "end")
    assert len(server.seen) == 3


def test_a_bad_request_is_not_asked_again(model_folder):
    server = Told([400])
    with pytest.raises(UserError, match="status 400: max_tokens is too large"):
        ask(model_folder, server)
    assert len(server.seen) == 1


def test_an_error_once_all_are_down_for_too_long(model_folder):
    with pytest.raises(UserError, match="no server answers"):
        ask(model_folder, Told([503] * 99), Told([503] * 99), patience_s=0.5)


def test_the_load_is_spread_and_a_failing_server_left_alone(model_folder):
    good, bad = Told([]), Told([500] * 99)
    good.delay = bad.delay = 0.05
    done = ask(model_folder, bad, good, times=20)
    assert len(done) == 20
    assert len(bad.seen) >= 10  # half of them at first
    assert len(bad.seen) < 20
    good, other = Told([]), Told([])
    good.delay = other.delay = 0.05
    ask(model_folder, good, other, times=20)
    assert len(good.seen) == len(other.seen) == 10


def test_a_server_that_hangs_is_left_for_another(model_folder):
    hanging, good = Told([]), Told([])
    hanging.delay = 30
    (completion,) = ask(model_folder, hanging, good, timeout_s=0.3)
    assert completion.text == "4"


def test_the_key_comes_from_the_environment(model_folder, monkeypatch):
    monkeypatch.setenv("NUMINA_TEST_KEY", "secret")
    server = Told([])
    ask(model_folder, server, key_variable="NUMINA_TEST_KEY")
    assert server.seen[0]["Authorization"] == "Bearer secret"
    server = Told([])
    ask(model_folder, server, key_variable="")
    assert "Authorization" not in server.seen[0]


STOP = Sampling(0, 1, 24, ("```output\n",), 1)


@pytest.mark.parametrize(
    ("choice", "text", "finish"),
    [
        ({"text": "x```output\n", "stop_reason": "```output\n"}, "x```output\n", "stop"),
        ({"text": "x", "stop_reason": "```output\n"}, "x```output\n", "stop"),
        ({"text": "x", "stop_reason": None}, "x", "end"),
        ({"text": "x", "stop_reason": "absent", "matched_stop": 7}, "x", "end"),
        ({"text": "x", "finish_reason": "length"}, "x", "length"),
    ],
)
def test_a_stop_string_is_kept_whatever_the_server_does_with_it(model_folder, choice, text, finish):
    (completion,) = ask(model_folder, Told([], **choice), sampling=STOP)
    assert (completion.text, completion.finish) == (text, finish)


def test_a_server_that_hides_the_stop_string_is_refused(model_folder):
    with pytest.raises(UserError, match="stop_reason"):
        ask(model_folder, Told([], text="x", stop_reason="absent"), sampling=STOP)


def test_a_cancelled_completion_closes_its_connection(model_folder):
    server = Told([])
    server.delay = 30

    async def go() -> None:
        app = web.Application()
        app.router.add_post("/v1/completions", server.answer)
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        given = params(f"http://127.0.0.1:{port}/v1", served_model="m")
        async with ServerEngine(model_folder, given) as engine:
            task = asyncio.create_task(engine.complete("Q", GREEDY))
            await asyncio.sleep(0.2)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.sleep(0.2)
            assert engine.servers[0].in_flight == 0
        assert server.cancelled == 1
        await runner.cleanup()

    asyncio.run(go())
