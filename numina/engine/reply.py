"""Check the reply of a server: the result is always a completion or a failure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numina.engine.failure import TEXT, ServerFailed
from numina.engine.protocol import Completion, Sampling, cut_at_stop

NO_STOP = (
    "the server neither keeps stop strings (include_stop_str_in_output) nor says which one it "
    "found (stop_reason); serve the model with vLLM or SGLang"
)


def parsed(where: str, content: bytes) -> dict[str, Any]:
    """The JSON object that a server sent.

    Raises:
        ServerFailed: it sent something else.
    """
    if not content.strip():
        raise ServerFailed(f"{where}: an empty reply", "fault")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        start = content[:60].decode(errors="replace")
        raise ServerFailed(f"{where}: the reply is not JSON: {start!r}", "fault") from None
    if not isinstance(found, dict):
        raise ServerFailed(f"{where}: the reply is {str(found)[:60]!r}, not an object", "fault")
    if found.get("error") and not found.get("choices"):
        words = " ".join(str(found["error"]).split())[:TEXT]
        raise ServerFailed(f"{where}: the reply is an error: {words}", "fault")
    return found


def served_name(where: str, reply: dict[str, Any], model: Path) -> str:
    """The name under which a server has the model of a folder.

    A server has it if the name or the root of one of its models ends like the folder's path.
    Otherwise it has another model, whose figures would pass for those of this one.

    Args:
        where: the server's address, for messages.
        reply: its list of models.
        model: the folder, such as ``models/tir``.

    Raises:
        ServerFailed: it lists none, or has others only.
    """
    data = reply.get("data")
    listed = [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []
    names = [name for one in listed if isinstance(name := one.get("id"), str) and name]
    if not names:
        raise ServerFailed(f"{where}: lists no model", "fault")
    for one in listed:
        paths = [Path(path) for key in ("id", "root") if isinstance(path := one.get(key), str)]
        if one.get("id") in names and any(path.name == model.name for path in paths):
            return one["id"]
    found = ", ".join(map(repr, names[:3]))[:TEXT]
    raise ServerFailed(
        f"{where}: serves {found}, not {str(model)!r}: serve that model under its name (vLLM: "
        f"--served-model-name {model}), or state in hardware.server.served_model what is served",
        "unsuitable",
    )


def completion_of(
    where: str,
    reply: dict[str, Any],
    prompt: str,
    sampling: Sampling,
    waited_s: float,
    count: Callable[[str], int],
) -> Completion:
    """The completion in a server's reply.

    Args:
        where: the server's address, for messages.
        reply: the reply.
        prompt, sampling: the request.
        waited_s: seconds until the request was sent.
        count: counts the tokens of a text, if the server does not.

    Raises:
        ServerFailed: it has no completion, or an unfinished one; or the server left the stop
            string out and does not say which one it was, so that a stop looks like the end.
            vLLM's servers keep the stop string, and SGLang's name it.
    """
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise ServerFailed(f"{where}: no choices in the reply", "fault")
    text, reason = choice.get("text"), choice.get("finish_reason")
    if not isinstance(text, str):
        raise ServerFailed(f"{where}: no text in the reply", "fault")
    if reason not in ("stop", "length"):
        raise ServerFailed(f"{where}: the completion ended with {reason!r}", "fault")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    finish = "length"
    if reason == "stop":
        named = [key for key in ("stop_reason", "matched_stop") if key in choice]
        met = choice[named[0]] if named else None
        if not named and sampling.stop and cut_at_stop(text, sampling.stop) is None:
            raise ServerFailed(f"{where}: {NO_STOP}", "unsuitable")
        if met in sampling.stop and cut_at_stop(text, sampling.stop) is None:
            text += met
        finish = "end"
    cut = cut_at_stop(text, sampling.stop)
    usage = in_object(reply, "usage")
    return Completion(
        text=text if cut is None else cut,
        finish=finish if cut is None else "stop",
        prompt_tokens=whole(usage.get("prompt_tokens")) or count(prompt),
        generated_tokens=whole(usage.get("completion_tokens")) or count(text),
        logprob_sum=logprob_sum(in_object(choice, "logprobs").get("token_logprobs")),
        cached_tokens=whole(in_object(usage, "prompt_tokens_details").get("cached_tokens")),
        waited_s=waited_s,
    )


def in_object(found: dict[str, Any], key: str) -> dict[str, Any]:
    """An object within an object; empty if there is none."""
    inner = found.get(key)
    return inner if isinstance(inner, dict) else {}


def whole(value: Any) -> int:
    """The value if it is a count, else 0."""
    return value if isinstance(value, int) and value > 0 and not isinstance(value, bool) else 0


def logprob_sum(values: Any) -> float:
    """The sum of log-probabilities; those that are not finite numbers are left out."""
    listed = values if isinstance(values, list) else []
    numbers = [value for value in listed if isinstance(value, int | float)]
    return float(sum(value for value in numbers if math.isfinite(value)))
