"""A teacher's model on servers that misbehave as they are told, on loopback."""

import asyncio
from typing import Any

import pytest

from numina.engine.protocol import Completion, CompletionFailed, Sampling
from numina.errors import UserError
from numina.fences import OUTPUT_STARTS
from numina.teacher.engine import SampledEngine, TeacherEngine
from tests.engine.misbehaving import GOOD, Asked, Reply, Told, completion, serving
from tests.teacher.speaking import END, OPENED, PROGRAM, chat, teacher_params

LIMIT_S = 60  # of a test
HTML = b"<html><body>502 Bad Gateway</body></html>"


def ask(cache, *told: Told, prompts=("Q",), sample: int = 0, **changes: Any) -> list[Any]:
    """What comes of plain prompts asked at once: texts and errors."""

    async def go() -> list[Any]:
        async with asyncio.timeout(LIMIT_S), serving(*told) as urls:
            params = teacher_params(urls, cache, **changes)
            async with TeacherEngine(params.teacher, params.hardware) as engine:
                jobs = [engine.ask(prompt, sample) for prompt in prompts]
                return await asyncio.gather(*jobs, return_exceptions=True)

    return asyncio.run(go())


MISBEHAVING = {
    "500": Reply(b"no", 500),
    "502 in HTML": Reply(HTML, 502),
    "503": Reply(b"", 503),
    "429": Reply(b"slow down", 429),
    "429 with Retry-After": Reply(b"slow down", 429, {"Retry-After": "1"}),
    "a stream that is cut": Reply(chat().body, cut=20),
    "a stream that is cut at once": Reply(chat().body, cut=0),
    "broken JSON with status 200": Reply(b'{"choices": [{"message": {"content": "4'),
    "HTML with status 200": Reply(HTML, headers={"Content-Type": "text/html"}),
    "an empty body": Reply(b""),
    "a list": Reply([]),
    "no choices": Reply({"usage": {"completion_tokens": 2}}),
    "empty choices": Reply({"choices": []}),
    "null choices": Reply({"choices": None}),
    "a null choice": Reply({"choices": [None]}),
    "no message": Reply({"choices": [{"finish_reason": "stop"}]}),
    "a null message": Reply({"choices": [{"message": None, "finish_reason": "stop"}]}),
    "null content": chat(None),
    "null content without tokens": chat(None, "length", tokens=0),
    "content that is a list": chat([{"type": "text"}]),
    "no finish": chat(reason=None),
    "an unknown finish": chat(reason="error"),
    "an error with status 200": Reply({"error": {"message": "overloaded", "code": 503}}),
    "hanging": Reply(chat().body, delay=50),
    "trickling": Reply(chat().body, trickle=0.2),
}


@pytest.mark.parametrize("kind", MISBEHAVING)
def test_what_is_no_answer_is_asked_again_and_only_the_answer_is_kept(tmp_path, kind):
    server = Told(MISBEHAVING[kind], last=chat())
    timeout_s = 1 if kind in ("hanging", "trickling") else 20
    assert ask(tmp_path, server, timeout_s=timeout_s) == ["4"]
    assert len(server.asked) == 2
    again = Told(last=Reply(b"", 500))
    assert ask(tmp_path, again) == ["4"]
    assert not again.asked


@pytest.mark.parametrize("kind", ["500", "HTML with status 200", "no choices", "null content"])
def test_a_prompt_that_fails_for_good_fails_alone_and_its_neighbours_are_kept(tmp_path, kind):
    def reply(asked: Asked) -> Reply:
        poisoned = asked.body["messages"][0]["content"] == "poison"
        return MISBEHAVING[kind] if poisoned else chat()

    server = Told(by=reply)
    done = ask(tmp_path, server, prompts=["a", "poison", "b"])
    assert [done[0], done[2]] == ["4", "4"]
    assert isinstance(done[1], CompletionFailed)
    assert ask(tmp_path, Told(last=Reply(b"", 500)), prompts=["a", "b"]) == ["4", "4"]


@pytest.mark.parametrize("status", [401, 402, 403, 404, 500, 503])
def test_a_server_that_never_answers_ends_the_run_in_one_line(tmp_path, status):
    (done,) = ask(tmp_path, Told(last=Reply(b"no", status)), patience_s=0.5)
    assert isinstance(done, UserError)
    assert str(done).startswith("hardware.teacher.urls: no server answers; last error: http")
    assert "\n" not in str(done)


def test_retry_after_is_kept_to(tmp_path):
    server = Told(Reply(b"later", 429, {"Retry-After": "2"}), last=chat())
    assert ask(tmp_path, server, prompts=[f"Q{i}" for i in range(8)]) == ["4"] * 8
    first = server.asked[0].at
    assert [asked for asked in server.asked[1:] if asked.at < first + 1.99] == []


def test_an_answer_is_kept_by_model_prompt_sampling_and_sample(tmp_path):
    server = Told(last=chat())
    for changes in (
        {},
        {"model": "other"},
        {"kind": "completions"},
        {"max_new_tokens": 9},
        {"top_p": 0.5},
    ):
        server.last = GOOD if changes.get("kind") else chat()
        for sample in (0, 1):
            for prompt in ("P", "Q"):
                ask(tmp_path, server, prompts=[prompt], sample=sample, **changes)
    assert len(server.asked) == 20
    # What cannot change an answer is no part of its name.
    assert ask(tmp_path, server, depth=1, temperature=0.1, at_once=2, price_answer=3) == ["4"]
    assert len(server.asked) == 20


def test_two_who_ask_the_same_at_once_pay_once(tmp_path):
    server = Told(last=Reply(chat().body, delay=0.2))
    assert ask(tmp_path, server, prompts=["Q"] * 6) == ["4"] * 6
    assert len(server.asked) == 1


def test_no_more_are_in_flight_than_stated(tmp_path):
    server = Told(last=Reply(chat().body, delay=0.05))
    ask(tmp_path, server, prompts=[f"Q{i}" for i in range(20)], at_once=3)
    assert server.most <= 3
    assert len(server.asked) == 20


@pytest.mark.parametrize("reason", ["content_filter", "tool_calls"])
def test_an_answer_that_a_filter_took_is_paid_for_once(tmp_path, reason):
    server = Told(last=chat(None, reason))
    for _ in range(2):
        (done,) = ask(tmp_path, server)
        assert isinstance(done, CompletionFailed)
        assert reason in str(done)
    assert len(server.asked) == 1


def test_a_model_that_thinks_to_the_limit_is_paid_for_once(tmp_path):
    """Its content is null: all of its tokens were thoughts, which the server keeps."""
    server = Told(last=chat(None, "length"))
    for _ in range(2):
        (done,) = ask(tmp_path, server, max_new_tokens=100)
        assert isinstance(done, CompletionFailed)
        assert "longer than 100 tokens" in str(done)
    assert len(server.asked) == 1


def strict(known: set[str], renamed: bool = False) -> Told:
    """A server that refuses what it does not know, one name at a time, as OpenAI's does."""

    def reply(asked: Asked) -> Reply:
        for name in asked.body:
            if renamed and name == "max_tokens":
                words = "Unsupported parameter: 'max_tokens' is not supported with this model. "
                message = words + "Use 'max_completion_tokens' instead."
                return Reply({"error": {"message": message}}, 400)
            if name not in known:
                message = f"Unrecognized request argument supplied: {name}"
                return Reply({"error": {"message": message}}, 400)
        return chat()

    return Told(by=reply)


def test_what_a_server_refuses_is_left_out_or_renamed_before_there_are_many_requests(tmp_path):
    known = {"model", "messages", "max_completion_tokens", "temperature", "top_p"}
    server = strict(known, renamed=True)
    assert ask(tmp_path, server, prompts=[f"Q{i}" for i in range(6)]) == ["4"] * 6
    assert server.asked[-1].body.keys() == known
    assert len(server.asked) == 6 + 13  # only one request learns what is refused


def test_a_completion_keeps_max_tokens_whatever_a_server_says(tmp_path):
    """vLLM names both parameters when a prompt is too long; only a chat knows the other one."""
    words = "'max_tokens' or 'max_completion_tokens' is too large: 9"
    server = Told(Reply({"error": {"message": words}}, 400))
    done = ask(tmp_path, server, kind="completions", prompts=["Q"])
    assert isinstance(done[0], CompletionFailed)
    ask(tmp_path, server, kind="completions", prompts=["R"])
    assert all("max_tokens" in asked.body for asked in server.asked)


def sampled(cache, *replies: Reply, solution: str = "", ends: str = "", **changes: Any):
    """One step of an agent, and what the server was sent."""
    server = Told(*replies)

    async def go() -> Completion:
        async with asyncio.timeout(LIMIT_S), serving(server) as urls:
            params = teacher_params(urls, cache, **changes)
            async with TeacherEngine(params.teacher, params.hardware) as engine:
                sampling = Sampling(0.8, 1.0, 64, OUTPUT_STARTS, 1)
                return await SampledEngine(engine, 0, "Q\n", ends).complete(
                    "Q\n" + solution, sampling
                )

    return asyncio.run(go()), server.asked[-1].body


@pytest.mark.parametrize(
    ("reply", "text", "finish"),
    [
        (chat(PROGRAM), OPENED, "stop"),
        (chat(PROGRAM + "\n"), OPENED, "stop"),
        (chat(PROGRAM.removesuffix("```")), OPENED, "stop"),
        (chat(PROGRAM, stop_reason=None), OPENED, "stop"),
        (chat(PROGRAM + "\n", stop_reason="```output\n"), OPENED, "stop"),
        (chat(OPENED), OPENED, "stop"),
        (chat(OPENED + "41\n```\nIt is 41.", stop_reason=None), OPENED, "stop"),
        (chat(END), END, "end"),
        (chat(PROGRAM + "\nIt prints 42."), PROGRAM + "\nIt prints 42.", "end"),
        (chat(PROGRAM, "length"), PROGRAM, "length"),
        (chat("", "stop"), "", "end"),
        (chat("x\ud83dy"), "x\ufffdy", "end"),
    ],
)
@pytest.mark.parametrize("kind", ["chat", "completions"])
def test_an_answer_that_ends_with_a_program_waits_for_its_output(
    tmp_path, kind, reply, text, finish
):
    if kind == "completions":
        (choice,) = reply.body["choices"]
        plain = {key: value for key, value in choice.items() if key != "message"}
        stop = {"stop_reason": "absent"} | plain
        reply = Reply(completion(text=choice["message"]["content"], **stop))
    done, _ = sampled(tmp_path, reply, kind=kind)
    assert (done.text, done.finish) == (text, finish)


def test_outputs_are_said_by_the_user_of_a_chat(tmp_path):
    solution = OPENED + "42\n```\nOnce more.\n```python\nprint(1)\n```\n```output\n1\n```\n"
    _, body = sampled(tmp_path, chat(END), solution=solution)
    assert body["messages"] == [
        {"role": "user", "content": "Q\n"},
        {"role": "assistant", "content": PROGRAM},
        {"role": "user", "content": "```output\n42\n```"},
        {"role": "assistant", "content": "Once more.\n```python\nprint(1)\n```"},
        {"role": "user", "content": "```output\n1\n```"},
    ]


def test_a_completion_goes_on_with_the_solution(tmp_path):
    solution = OPENED + "42\n```\n"
    done, body = sampled(
        tmp_path, Reply(completion(text=END)), solution=solution, kind="completions"
    )
    assert body["prompt"] == "Q\n" + solution
    assert done.text == END


def test_a_model_with_examples_that_adds_a_problem_is_cut_there(tmp_path):
    text = END + "\n### Problem: And 7 times 8?\n### Solution:\n" + PROGRAM
    done, body = sampled(
        tmp_path, Reply(completion(text=text)), kind="completions", ends="\n### Problem:"
    )
    assert (done.text, done.finish) == (END, "end")
    assert len(body["stop"]) == 4
    assert "\n### Problem:" in body["stop"]


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / "answers").write_text("a file")
    with pytest.raises(UserError, match=r"answers: answers cannot be kept here: "):
        ask(tmp_path, Told())
