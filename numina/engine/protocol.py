"""The interface of an engine, which continues prompts, one prompt per call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, Self

LONGEST_TOKEN = 256  # characters; a longer text is too long without tokenising it


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to decode one completion.

    Attributes:
        temperature: 0 for greedy decoding.
        top_p: share of probability to sample from.
        max_new_tokens: most tokens to decode.
        stop: strings that end the completion; the one found is kept at its end.
        seed: the only source of this completion's randomness.
        special: keep special tokens in the text.
    """

    temperature: float
    top_p: float
    max_new_tokens: int
    stop: tuple[str, ...]
    seed: int
    special: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """A decoded continuation.

    Attributes:
        text: the continuation, cut after the stop string if one was found.
        finish: `stop` (a stop string), `end` (the end token), or `length`.
        prompt_tokens: length of the prompt.
        generated_tokens: tokens decoded, the end token included.
        logprob_sum: summed log-probability of the decoded tokens at temperature 1 (natural log).
        cached_tokens: prompt tokens found in the engine's cache; 0 if it does not say.
        waited_s: seconds until the engine started it; 0 if it does not say.
    """

    text: str
    finish: Literal["stop", "end", "length"]
    prompt_tokens: int
    generated_tokens: int
    logprob_sum: float
    cached_tokens: int = 0
    waited_s: float = 0.0


class CompletionFailed(Exception):
    """One prompt can never be continued, but others may be."""


def refuse_too_long(prompt: str, max_context: int) -> None:
    """Refuse a prompt that is certainly too long, without tokenising it.

    Raises:
        CompletionFailed: it cannot fit in `max_context` tokens.
    """
    if len(prompt) > max_context * LONGEST_TOKEN:
        raise CompletionFailed(
            f"{len(prompt)} characters cannot fit in max_context {max_context} tokens"
        )


class Engine(Protocol):
    """Continues prompts; many calls may wait at once. Use it as an async context manager."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        """Continue a prompt; cancelling the call ends the work on it.

        Raises:
            CompletionFailed: this prompt cannot be continued, but others may be.
            UserError: no prompt can be continued, for example because no server answers.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Length in tokens of a text as a prompt."""
        ...


def cut_at_stop(text: str, stop: tuple[str, ...]) -> str | None:
    """The text up to the end of the first stop string in it, or None if there is none."""
    ends = [text.find(word) + len(word) for word in stop if word in text]
    return text[: min(ends)] if ends else None
