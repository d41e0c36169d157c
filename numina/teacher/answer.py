"""Read an answer of a teacher: a chat's or a completion's, and whether it was paid for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numina.engine.protocol import Completion, CompletionFailed, Sampling
from numina.engine.reply import completion_of, in_object, whole
from numina.fences import CODE_END, blocks

# Ends of an answer that the model or a filter chose: to ask again is to pay again for the same.
FINAL = ("content_filter", "tool_calls", "function_call")


def usage_of(reply: dict[str, Any]) -> tuple[int, int]:
    """The tokens of the prompt and of the answer that a server bills; 0 if it does not say."""
    usage = in_object(reply, "usage")
    return whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))


def check_answer(where: str, reply: dict[str, Any]) -> None:
    """Check that a reply is an answer, whether or not it is of use.

    Raises:
        ServerFailed: it is none, so that it is to be asked for again.
    """
    choice = choice_of(reply)
    if choice.get("finish_reason") not in FINAL:
        completion_of(where, as_completion(reply), "", Sampling(0, 1, 1, (), 0), 0.0, len)


def read_answer(
    where: str,
    reply: dict[str, Any],
    prompt: str,
    sampling: Sampling,
    count: Callable[[str], int],
) -> Completion:
    """The completion in an answer.

    Most servers leave the stop string out and do not say which one it was. So an answer that ends
    with a program is taken to wait for its output.

    Args:
        where: who answered, for messages.
        reply: an answer, as `check_answer` accepts it.
        prompt, sampling: the request.
        count: estimates the tokens of a text, if the server does not say.

    Raises:
        CompletionFailed: a filter took its text, or it has none.
    """
    reason = choice_of(reply).get("finish_reason")
    if reason in FINAL:
        raise CompletionFailed(f"{where}: the answer ended with {reason!r}")
    found = as_completion(reply)
    choice = found["choices"][0]
    if reason == "stop":
        text, met = choice["text"], choice.get("stop_reason")
        choice["stop_reason"] = met if met in sampling.stop else None
        if sampling.stop and met not in sampling.stop and ends_with_program(text):
            closed = text.rstrip().endswith(CODE_END)
            choice["text"] = text.rstrip() + ("\n" if closed else f"\n{CODE_END}\n")
            choice["stop_reason"] = sampling.stop[0]
    return completion_of(where, found, prompt, sampling, 0.0, count)


def choice_of(reply: dict[str, Any]) -> dict[str, Any]:
    """The first choice of a reply; empty if there is none."""
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def as_completion(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply in the form of a completion's: a chat's has a message instead of a text.

    A model that thinks first may reach the limit before it writes: then its text is empty.
    """
    choice = dict(choice_of(reply))
    if not choice:
        return reply
    message = choice.get("message")
    if isinstance(message, dict):
        choice["text"] = message.get("content")
        choice.pop("logprobs", None)
    if choice.get("text") is None and choice.get("finish_reason") == "length":
        choice["text"] = "" if usage_of(reply)[1] else None
    return {**reply, "choices": [choice]}


def ends_with_program(text: str) -> bool:
    """Whether a text ends with a program, with nothing after it."""
    found = blocks(text)
    return bool(found) and found[-1].kind == "python" and not text[found[-1].end :].strip()
