"""Special tokens in a text: kept where a model calls programs by them, as gpt-oss does."""

from types import SimpleNamespace

import pytest

from numina.engine.protocol import Sampling
from numina.engine.remote import body_of
from numina.engine.reply import completion_of as reply_of
from numina.engine.row import Row
from numina.engine.vllm import completion_of

CALL = "<|end|>"  # the end token of the tests' tokenizer: gpt-oss's <|call|> is one as well


def sampling(special: bool, stop: tuple[str, ...] = (CALL,)) -> Sampling:
    return Sampling(0, 1, 9, stop, 1, special=special)


@pytest.mark.parametrize(
    ("asked", "text", "finish"),
    [
        (sampling(special=True), f"print(1){CALL}", "stop"),
        (sampling(special=False), "print(1)", "end"),
        (sampling(special=True, stop=("<|call|>",)), f"print(1){CALL}", "end"),
    ],
)
def test_an_end_token_that_is_a_stop_string_stops_where_special_tokens_are_kept(
    tokenizer, asked, text, finish
):
    ids = tokenizer("print(1)")["input_ids"]
    row = Row([1], asked, tokens=[*ids, tokenizer.eos_token_id], finish="end")
    found = row.completion(tokenizer)
    assert (found.text, found.finish) == (text, finish)


@pytest.mark.parametrize(
    ("text", "reason", "finish"),
    [
        ("x<|call|>", 200012, "stop"),
        ("x<|return|>", 200002, "end"),
        ("x<|call|>", "<|call|>", "stop"),
    ],
)
def test_vllm_names_the_token_and_not_the_string_where_a_stop_is_an_end_token(text, reason, finish):
    one = SimpleNamespace(
        text=text,
        finish_reason="stop",
        stop_reason=reason,
        token_ids=[1, 2],
        cumulative_logprob=-1.0,
    )
    output = SimpleNamespace(outputs=[one], prompt_token_ids=[1], num_cached_tokens=0)
    assert completion_of(output, ("<|call|>",)).finish == finish


def test_a_server_is_asked_to_keep_them_and_its_reply_is_read_so():
    asked = sampling(special=True, stop=("<|call|>",))
    assert body_of("P", asked, seeds=False)["skip_special_tokens"] is False
    assert body_of("P", sampling(special=False), seeds=False)["skip_special_tokens"] is True
    choice = {"text": "x<|call|>", "finish_reason": "stop", "stop_reason": 200012}
    found = reply_of("there", {"choices": [choice]}, "P", asked, 0.0, len)
    assert (found.text, found.finish) == ("x<|call|>", "stop")
