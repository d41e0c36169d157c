"""The server engine and the teacher against two real vLLM servers."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from numina.engine.protocol import Completion, CompletionFailed, Sampling
from numina.teacher.engine import TeacherEngine
from tests.engine.test_server import GREEDY, server_engine
from tests.engine.test_transformers import PROMPTS, complete
from tests.engine.test_vllm import ENVIRONMENT, PYTHON, needs_vllm
from tests.teacher.attempting import attempts
from tests.teacher.speaking import teacher_params

# The prompt of a chat is what its messages say, so that it can be compared with a completion's.
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def serve(model, port: int) -> subprocess.Popen[bytes]:
    command = [str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    options = ["--dtype", "float32", "--max-model-len", "400", "--enforce-eager"]
    options += ["--chat-template", CHAT_TEMPLATE]
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
        async with server_engine(
            model_folder, [url for _, url in servers], served_model=""
        ) as engine:
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
def test_a_request_that_a_real_server_refuses_fails_with_its_message(servers, model_folder):
    async def go() -> None:
        async with server_engine(model_folder, [servers[0][1]], served_model="") as engine:
            await engine.complete("We add " * 400, GREEDY)

    with pytest.raises(CompletionFailed, match=r"status 400.*context length"):
        asyncio.run(go())


def completed(url: str) -> int:
    """The requests that a server has completed."""
    metrics = urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=20).read()
    counts = re.findall(r"^vllm:request_success_total\{.*\} (\S+)$", metrics.decode(), re.M)
    return int(sum(map(float, counts)))


@needs_vllm
@pytest.mark.parametrize("kind", ["completions", "chat"])
def test_a_teacher_buys_each_answer_of_a_real_server_once(servers, model_folder, tmp_path, kind):
    url, given = servers[1][1], {"kind": kind, "max_new_tokens": 24, "max_context": 400}
    ours = complete(model_folder, [GREEDY] * 3)
    params = teacher_params([url], tmp_path, model=str(model_folder), **given)

    async def ask() -> list[str | BaseException]:
        async with TeacherEngine(params.teacher, params.hardware) as engine:
            jobs = [engine.ask(prompt) for prompt in PROMPTS]
            return await asyncio.gather(*jobs, return_exceptions=True)

    before, texts = completed(url), asyncio.run(ask())
    after = completed(url)
    assert after - before == 3
    for mine, theirs in zip(ours, texts, strict=True):
        if mine.finish == "end":
            assert theirs == mine.text
        else:
            assert isinstance(theirs, CompletionFailed)
            assert "longer than 24 tokens" in str(theirs)
    assert list(map(str, asyncio.run(ask()))) == list(map(str, texts))
    assert completed(url) == after


@needs_vllm
@pytest.mark.parametrize("kind", ["completions", "chat"])
def test_attempts_of_a_real_server_are_the_same_in_a_second_run_that_asks_nothing(
    servers, model_folder, tmp_path, kind
):
    url, given = servers[1][1], {"kind": kind, "max_new_tokens": 24, "max_context": 400}
    given["prompt"] = "boundary"
    params = teacher_params([url], tmp_path, model=str(model_folder), **given)
    before, texts = completed(url), asyncio.run(attempts(params, 4, samples=2))
    after = completed(url)
    assert after - before >= 8
    assert len(set(texts)) > 4, "samples of one problem differ"
    assert asyncio.run(attempts(params, 4, samples=2)) == texts
    assert completed(url) == after


@needs_vllm
def test_one_of_two_real_servers_is_killed_and_no_work_is_lost(servers, model_folder):
    """Last of the tests of the pair, as it leaves one."""
    prompts = [f"{PROMPTS[i % 3]} {i}" for i in range(48)]
    samplings = [Sampling(0, 1, 10 + 6 * i, (), 1) for i in range(48)]  # they end one by one
    (doomed, doomed_url), (_, url) = servers

    async def go() -> tuple[list[Completion], list[Completion], int]:
        async with server_engine(model_folder, [doomed_url, url], served_model="") as engine:
            os.killpg(doomed.pid, signal.SIGSTOP)  # its requests cannot end before it is killed
            jobs = [engine.complete(*job) for job in zip(prompts, samplings, strict=True)]
            tasks = [asyncio.create_task(job) for job in jobs]
            while not all(server.in_flight for server in engine.balancer.servers):
                await asyncio.sleep(0.01)
            in_flight = engine.balancer.servers[0].in_flight
            os.killpg(doomed.pid, signal.SIGKILL)
            done = await asyncio.gather(*tasks)
            assert engine.balancer.servers[0].failures > 0
        async with server_engine(model_folder, [url], served_model="") as engine:
            jobs = [engine.complete(*job) for job in zip(prompts, samplings, strict=True)]
            return done, await asyncio.gather(*jobs), in_flight

    done, whole, in_flight = asyncio.run(go())
    assert in_flight > 0, "it had work when it was killed"
    assert [completion.text for completion in done] == [completion.text for completion in whole]
