"""The server engine against servers that misbehave as they are told, on loopback."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from numina.engine.failure import LONGEST_WAIT_S, retry_after
from numina.engine.protocol import Completion, CompletionFailed, Sampling
from numina.engine.server import ServerEngine
from numina.errors import UserError
from tests.conftest import changed_params
from tests.engine.appending import appending
from tests.engine.misbehaving import GOOD, Asked, Reply, Told, completion, serving

GREEDY = Sampling(0, 1, 24, (), 1)
STOP = Sampling(0, 1, 24, ("```output\n",), 1)
LIMIT_S = 60  # of a test


def server_engine(folder, urls, batch_size: int = 48, **hardware: Any) -> ServerEngine:
    given = {"urls": list(urls), "served_model": "m", "timeout_s": 30, "patience_s": 5} | hardware
    changes = {f"hardware.server.{key}": value for key, value in given.items()}
    changes |= {"engine.name": "server", "engine.batch_size": batch_size}
    params = changed_params(changes)
    return ServerEngine(folder, params.engine, params.hardware.server, 512)


def ask(folder, *told: Told, prompts=("Q",), sampling: Sampling = GREEDY, **hardware: Any):
    """What comes of prompts asked at once: completions and errors."""

    async def go() -> list[Completion | BaseException]:
        async with (
            asyncio.timeout(LIMIT_S),
            serving(*told) as urls,
            server_engine(folder, urls, **hardware) as engine,
        ):
            jobs = [engine.complete(prompt, sampling) for prompt in prompts]
            return await asyncio.gather(*jobs, return_exceptions=True)

    return asyncio.run(go())


def ask_one(folder, *told: Told, **given: Any) -> Completion:
    (done,) = ask(folder, *told, **given)
    if isinstance(done, BaseException):
        raise done
    return done


HTML = b"<html><body>502 Bad Gateway</body></html>"
UNUSABLE = {
    "no choices": Reply({"usage": {}}),
    "empty choices": Reply({"choices": []}),
    "null choices": Reply({"choices": None}),
    "choices that are an object": Reply({"choices": {"0": {"text": "4"}}}),
    "a choice that is text": Reply({"choices": ["4"]}),
    "a null choice": Reply({"choices": [None]}),
    "null text": Reply(completion(text=None)),
    "no text": Reply(completion(text="absent")),
    "text that is a list": Reply(completion(text=["4"])),
    "a chat message": Reply(completion(text="absent", message={"content": "4"})),
    "an error": Reply({"error": {"message": "CUDA error"}}),
    "an error as text": Reply({"error": "out of memory"}),
    "vLLM's error object": Reply({"object": "error", "message": "x", "code": 500}),
    "JSON null": Reply(b"null"),
    "a JSON list": Reply([]),
    "a JSON number": Reply(b"3"),
    "an empty body": Reply(b""),
    "spaces": Reply(b" \n"),
    "HTML": Reply(HTML, headers={"Content-Type": "text/html"}),
    "HTML said to be JSON": Reply(HTML),
    "JSON cut off": Reply(b'{"choices": [{"text": "4'),
    "a connection that breaks off": Reply(completion(), cut=20),
    "a connection that breaks off at once": Reply(completion(), cut=0),
    "brackets without end": Reply(b"[" * 100_000),
    "an integer of 5,000 digits": Reply(b"1" * 5000),
    "Latin-1": Reply('{"choices": "é"}'.encode("latin-1")),
    "gzip that is none": Reply(completion(), headers={"Content-Encoding": "gzip"}),
    **{
        f"finish {reason!r}": Reply(completion(finish_reason=reason))
        for reason in (
            "abort",
            "error",
            "content_filter",
            "absent",
            None,
            "tool_calls",
            3,
            ["stop"],
        )
    },
    **{
        f"status {status}": Reply(b"no", status)
        for status in (204, 304, 401, 403, 404, 408, 429, 500, 502, 503, 504, 520, 529, 599)
    },
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_no_completion_is_asked_again(model_folder, kind):
    server = Told(UNUSABLE[kind], last=GOOD)
    assert ask_one(model_folder, server).text == "4"
    assert len(server.asked) in (2, 3)  # the canary too, where the server seemed misconfigured


@pytest.mark.parametrize("kind", ["null text", "HTML", "status 503", "status 401", "finish None"])
def test_one_line_once_all_servers_fail_for_too_long(model_folder, kind):
    servers = [Told(last=UNUSABLE[kind]) for _ in range(2)]
    with pytest.raises(UserError, match="no server answers; last error: http") as error:
        ask_one(model_folder, *servers, patience_s=0.5)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_server_that_fails_beside_a_good_one_costs_nothing(model_folder, kind):
    bad, good = Told(last=UNUSABLE[kind]), Told(last=Reply(completion(), delay=0.02))
    done = ask(model_folder, bad, good, prompts=["Q"] * 12, patience_s=0.5)
    assert [getattr(one, "text", one) for one in done] == ["4"] * 12


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 529])
def test_what_one_server_refuses_another_one_does(model_folder, status):
    bad, good = Told(last=Reply(b"no", status)), Told()
    done = ask(model_folder, bad, good, prompts=["Q"] * 12, patience_s=0.5)
    assert [getattr(one, "text", one) for one in done] == ["4"] * 12


def poisoned(reply: Reply) -> Told:
    """A server that gives this reply to one prompt, and good ones to others."""
    return Told(by=lambda asked: reply if asked.body["prompt"] == "poison" else GOOD)


@pytest.mark.parametrize(
    "kind", ["empty choices", "null text", "status 500", "status 503", "HTML", "finish 'abort'"]
)
def test_a_request_that_fails_for_good_fails_alone(model_folder, kind):
    servers = [poisoned(UNUSABLE[kind]) for _ in range(2)]
    done = ask(model_folder, *servers, prompts=["a", "poison", "b"], patience_s=1)
    assert [getattr(one, "text", None) for one in done] == ["4", None, "4"]
    assert isinstance(done[1], CompletionFailed)
    assert str(done[1]).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_all_servers_refuse_fails_alone_at_once(model_folder, status):
    words = b"maximum context length is 400 tokens"
    servers = [poisoned(Reply(words, status)) for _ in range(2)]
    (done,) = ask(model_folder, *servers, prompts=["poison"])
    assert isinstance(done, CompletionFailed)
    assert f"status {status}: {words.decode()}" in str(done)
    assert [
        [asked.body["prompt"] for asked in server.asked].count("poison") for server in servers
    ] == [1, 1]


def test_servers_that_refuse_everything_end_the_run_at_once(model_folder):
    servers = [Told(last=Reply(b"The model `m` does not exist", 404)) for _ in range(2)]
    started = time.monotonic()
    with pytest.raises(UserError, match="status 404: The model `m` does not exist"):
        ask_one(model_folder, *servers, patience_s=600)
    assert time.monotonic() - started < LIMIT_S


def test_nobody_listens(model_folder):
    async def go() -> None:
        async with serving(Told()) as urls:
            pass
        async with server_engine(model_folder, urls, patience_s=0.5) as engine:
            await engine.complete("Q", GREEDY)

    with pytest.raises(UserError, match="no server answers"):
        asyncio.run(asyncio.wait_for(go(), LIMIT_S))


@pytest.mark.parametrize("models", [{"data": []}, {"data": None}, {}, [], {"data": [{"id": ""}]}])
def test_a_server_that_lists_no_model_is_one_line(model_folder, models):
    with pytest.raises(UserError, match=r"server\.urls: no server answers"):
        ask_one(model_folder, Told(models=models), served_model="", patience_s=0.3)


def test_each_server_is_asked_for_its_own_name_of_the_model(model_folder):
    names = [f"{place}/{model_folder.name}" for place in "ab"]
    servers = [
        Told(last=Reply(completion(), delay=0.05), models={"data": [{"id": name}]})
        for name in names
    ]
    ask(model_folder, *servers, prompts=["Q"] * 8, served_model="")
    assert [{asked.body["model"] for asked in server.asked} for server in servers] == [
        {name} for name in names
    ]


def test_requests_that_all_wait_for_the_name_of_the_model(model_folder):
    first, second = (Told(models={"data": [{"id": model_folder.name}]}) for _ in range(2))
    second.models = Reply(second.models.body, delay=0.3)
    first.last = second.last = Reply(completion(), delay=0.05)
    done = ask(model_folder, first, second, prompts=["Q"] * 8, served_model="")
    assert [getattr(one, "text", one) for one in done] == ["4"] * 8


def test_servers_with_another_model_are_refused_in_one_line(model_folder):
    """As in an evaluation of two models against one server."""
    servers = [Told(models={"data": [{"id": "models/other"}]}) for _ in range(2)]
    with pytest.raises(
        UserError, match=r"server\.urls: http.* serves 'models/other', not "
    ) as error:
        ask_one(model_folder, *servers, served_model="")
    assert "\n" not in str(error.value)
    assert not any(server.asked for server in servers)
    assert ask_one(model_folder, *servers, served_model="models/other").text == "4"


def test_a_server_with_another_model_gets_no_work(model_folder):
    wrong = Told(models={"data": [{"id": "models/other"}]})
    right = Told(models={"data": [{"id": model_folder.name}]})
    done = ask(model_folder, wrong, right, prompts=["Q"] * 6, served_model="")
    assert [getattr(one, "text", one) for one in done] == ["4"] * 6
    assert not wrong.asked


def test_the_load_is_spread(model_folder):
    servers = [Told(last=Reply(completion(), delay=0.05)) for _ in range(2)]
    ask(model_folder, *servers, prompts=["Q"] * 20)
    assert [len(server.asked) for server in servers] == [10, 10]


def test_retry_after_is_kept_to(model_folder):
    server = Told(Reply(b"later", 429, {"Retry-After": "2"}))
    ask(model_folder, server, prompts=["Q"] * 8)
    first = server.asked[0].at
    assert not [asked for asked in server.asked if first + 0.5 < asked.at < first + 1.99]


def test_a_server_that_is_back_gets_one_request_at_first(model_folder):
    busy = Reply(b"later", 429, {"Retry-After": "1"})
    server = Told(*[busy] * 11, last=GOOD)
    done = ask(model_folder, server, prompts=["Q"] * 8)
    assert [getattr(one, "text", one) for one in done] == ["4"] * 8
    assert len(server.asked) <= 8 + 11


def test_a_date_in_retry_after():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=30), usegmt=True)
    assert 28 <= (retry_after({"retry-after": soon}) or 0) <= 30
    assert retry_after({"retry-after-ms": "1500"}) == 1.5
    assert retry_after({"retry-after": "1e9"}) == LONGEST_WAIT_S
    assert retry_after({"retry-after": "inf"}) == LONGEST_WAIT_S
    for nothing in (past, "", "soon", "-3", "nan", "0", "Wed, 99 Foo 2026 25:00:00 GMT"):
        assert retry_after({"retry-after": nothing}) is None
    assert retry_after({}) is None


def test_a_limit_of_requests_loses_none(model_folder):
    """A server that takes three at a time, asked for forty, for longer than patience_s."""
    server = Told()
    slow = Reply(completion(), delay=0.4)
    server.by = lambda asked: slow if server.in_flight < 3 else Reply(b"slow down", 429)
    done = ask(model_folder, server, prompts=["Q"] * 40, patience_s=4)
    assert [getattr(one, "text", one) for one in done] == ["4"] * 40


def test_a_hung_request_is_hedged_and_then_closed(model_folder):
    hanging, good = Told(last=Reply(GOOD.body, delay=50)), Told(Reply(b"", 503))
    done = ask(model_folder, hanging, good, prompts=["Q"] * 4, hedge_s=0.3)
    assert [getattr(one, "text", one) for one in done] == ["4"] * 4
    assert hanging.left == len(hanging.asked) > 0


def test_a_hung_connection_of_the_only_server_is_hedged(model_folder):
    server = Told(Reply(GOOD.body, delay=50))
    assert ask_one(model_folder, server, hedge_s=0.3).text == "4"
    assert len(server.asked) == 2


def test_no_request_is_hedged_while_no_server_has_room(model_folder):
    servers = [Told(last=Reply(completion(), delay=1.0)) for _ in range(2)]
    ask(model_folder, *servers, prompts=["Q"] * 4, batch_size=2, hedge_s=0.1)
    assert sum(len(server.asked) for server in servers) == 4


def test_no_request_is_hedged_that_takes_no_longer_than_others(model_folder):
    async def go() -> list[int]:
        servers = [Told(last=Reply(completion(), delay=0.5)) for _ in range(2)]
        async with (
            serving(*servers) as urls,
            server_engine(model_folder, urls, hedge_s=0.6) as engine,
        ):
            await asyncio.gather(*[engine.complete("Q", GREEDY) for _ in range(4)])
            for server in servers:
                server.last = Reply(completion(), delay=1.2)
            await engine.complete("Q", GREEDY)
        return [len(server.asked) for server in servers]

    assert sum(asyncio.run(asyncio.wait_for(go(), LIMIT_S))) == 5


def test_a_trickling_server_is_cut_off(model_folder):
    trickling = Told(last=Reply(completion(), trickle=0.2))
    good = Told(Reply(b"", 503))
    assert ask_one(model_folder, trickling, good, timeout_s=1, hedge_s=0).text == "4"


def test_requests_state_every_value_of_sampling(model_folder):
    server = Told()
    ask(model_folder, server, sampling=Sampling(0.8, 0.9, 24, ("x",), 7))
    body = server.asked[0].body
    assert body == {
        "model": "m",
        "prompt": "Q",
        "max_tokens": 24,
        "temperature": 0.8,
        "top_p": 0.9,
        "stop": ["x"],
        "logprobs": 0,
        "include_stop_str_in_output": True,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "repeat_penalty": 1.0,
        "skip_special_tokens": True,
        "ignore_eos": False,
        "min_tokens": 0,
    }


def test_a_prompt_is_sent_without_the_end_token_that_a_tokenizer_appends(
    model_folder, tmp_path, tokenizer
):
    """As token ids: the server would append it, and the model would have nothing to continue."""
    from transformers import AutoTokenizer

    folder = appending(model_folder, tmp_path / "appends")
    plain = tokenizer("What is $4+12$?")["input_ids"]
    ending = AutoTokenizer.from_pretrained(folder)("What is $4+12$?")["input_ids"]
    assert ending == [*plain, tokenizer.eos_token_id]
    server = Told()
    ask(folder, server, prompts=["What is $4+12$?"])
    assert [asked.body["prompt"] for asked in server.asked] == [plain]


def test_a_seed_is_sent_where_it_is_asked_for(model_folder):
    server = Told()
    ask(model_folder, server, sampling=Sampling(0.8, 1, 24, (), 7), seeds=True)
    assert server.asked[0].body["seed"] == 7


def strict(known: set[str], values: dict[str, list[Any]]) -> Told:
    """A server that refuses what it does not know, one name at a time, as OpenAI's does."""

    def reply(asked: Asked) -> Reply:
        for name, value in asked.body.items():
            if name not in known:
                message = f"Unrecognized request argument supplied: {name}"
                return Reply({"error": {"message": message}}, 400)
            if value not in values.get(name, [value]):
                return Reply({"error": {"message": f"'{name}' must not be {value}"}}, 400)
        return GOOD

    return Told(by=reply)


def test_what_a_server_refuses_by_name_is_left_out_from_then_on(model_folder, capsys):
    known = {"model", "prompt", "max_tokens", "temperature", "top_p", "stop", "logprobs", "top_k"}
    server = strict(known, {"top_k": [0, 1, 2]})
    done = ask(model_folder, server, prompts=["Q"] * 6)
    assert [getattr(one, "text", one) for one in done] == ["4"] * 6
    assert server.asked[-1].body.keys() == known
    assert server.asked[-1].body["top_k"] == 0
    assert capsys.readouterr().err.count("refuses min_p: its own default applies") == 1


def test_what_a_request_needs_is_never_left_out(model_folder):
    server = strict({"model", "prompt", "max_tokens", "temperature", "top_p", "stop"}, {"stop": []})
    with pytest.raises(UserError, match="'stop' must not be"):
        ask_one(model_folder, server, sampling=STOP)


def test_the_key_comes_from_the_environment(model_folder, monkeypatch):
    monkeypatch.setenv("NUMINA_TEST_KEY", "secret")
    server = Told()
    ask(model_folder, server, key_variable="NUMINA_TEST_KEY")
    assert server.asked[0].headers["authorization"] == "Bearer secret"
    monkeypatch.setenv("OPENAI_API_KEY", "other")
    server = Told()
    ask(model_folder, server, key_variable="")
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("choice", "text", "finish"),
    [
        ({"text": "x```output\n", "stop_reason": "```output\n"}, "x```output\n", "stop"),
        ({"text": "x", "stop_reason": "```output\n"}, "x```output\n", "stop"),
        ({"text": "x", "stop_reason": None}, "x", "end"),
        ({"text": "x", "stop_reason": "absent", "matched_stop": 7}, "x", "end"),
        ({"text": "x", "stop_reason": "eos"}, "x", "end"),
        ({"text": "x", "stop_reason": ["```output\n"]}, "x", "end"),
        ({"text": "x", "finish_reason": "length"}, "x", "length"),
        ({"text": "x```output\ny", "finish_reason": "length"}, "x```output\n", "stop"),
        ({"text": "\ud83dx", "stop_reason": None}, "\ufffdx", "end"),
    ],
)
def test_a_stop_string_is_kept_whatever_the_server_does_with_it(model_folder, choice, text, finish):
    done = ask_one(model_folder, Told(last=Reply(completion(**choice))), sampling=STOP)
    assert (done.text, done.finish) == (text, finish)


def test_servers_that_hide_the_stop_string_are_refused(model_folder):
    hides = Reply(completion(text="x", stop_reason="absent"))
    with pytest.raises(UserError, match="stop_reason"):
        ask_one(model_folder, Told(last=hides), Told(last=hides), sampling=STOP)
    assert ask_one(model_folder, Told(last=hides), Told(), sampling=STOP).text == "4"


def test_counts_that_a_server_does_not_give_are_made(model_folder, tokenizer):
    text = "We add 12"
    body = {
        "choices": [{"text": text, "finish_reason": "length"}],
        "usage": {"prompt_tokens": None},
    }
    done = ask_one(model_folder, Told(last=Reply(body)), prompts=["What is"])
    assert done.prompt_tokens == len(tokenizer("What is")["input_ids"])
    assert done.generated_tokens == len(tokenizer(text)["input_ids"])
    assert done.logprob_sum == 0


def test_a_cancelled_completion_closes_its_connection(model_folder):
    server = Told(last=Reply(completion(), delay=30))

    async def go() -> None:
        async with serving(server) as urls, server_engine(model_folder, urls) as engine:
            task = asyncio.create_task(engine.complete("Q", GREEDY))
            while not server.in_flight:
                await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert engine.balancer.servers[0].in_flight == 0
            while server.in_flight:
                await asyncio.sleep(0.02)
        assert server.left == 1

    asyncio.run(asyncio.wait_for(go(), LIMIT_S))


def test_a_prompt_of_megabytes_is_refused_before_it_is_tokenised(model_folder):
    server = Told()
    (done,) = ask(model_folder, server, prompts=["x" * 10_000_000])
    assert isinstance(done, CompletionFailed)
    assert not server.asked
