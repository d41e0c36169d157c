"""One completion while it is decoded, from its request on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from numina.engine.protocol import Completion, CompletionFailed, Sampling, cut_at_stop
from numina.errors import UserError

TAIL = 16  # tokens at a row's end that are searched first for a stop string
GREEDY = Sampling(temperature=0, top_p=1, max_new_tokens=1, stop=(), seed=0)


@dataclass(slots=True, eq=False)
class Row:
    """One completion, from its request on.

    Attributes:
        future: gets the completion, if a caller waits for it.
        error: why there is no completion; then `finish` has no meaning.
    """

    prompt: list[int]
    sampling: Sampling = GREEDY
    generator: Any = None
    future: Any = None
    asked: float = 0.0
    waited_s: float = 0.0
    cached_tokens: int = 0
    tokens: list[int] = field(default_factory=list)
    logprob_sum: float = 0.0
    finish: Any = None
    error: Exception | None = None

    @property
    def is_given_up(self) -> bool:
        """Whether no caller waits for it any more."""
        return self.future is not None and self.future.done()

    def add(self, token: int, logprob: float, ends: frozenset[int], tokenizer: Any) -> None:
        """Add a token; an invalid one ends the row with an error."""
        self.tokens.append(token)
        self.logprob_sum += logprob
        try:
            if not math.isfinite(logprob):
                raise CompletionFailed("the model's logits are not numbers")
            if token in ends:
                self.finish = "end"
            elif cut_at_stop(tokenizer.decode(self.tokens[-TAIL:]), self.sampling.stop) is not None:
                self.finish = "stop"
            elif len(self.tokens) >= self.sampling.max_new_tokens:
                self.finish = "length"
        except Exception as error:
            self.finish = "end"
            self.error = CompletionFailed(in_words(error))

    def settle(self, tokenizer: Any) -> None:
        """Give the completion, or the error, to the caller that waits for it."""
        try:
            if self.error is not None:
                raise self.error
            self.future.set_result(self.completion(tokenizer))
        except UserError as error:
            self.future.set_exception(error)
        except Exception as error:
            self.future.set_exception(CompletionFailed(in_words(error)))

    def completion(self, tokenizer: Any) -> Completion:
        special = self.sampling.special
        text = tokenizer.decode(self.tokens, skip_special_tokens=not special)
        cut = cut_at_stop(text, self.sampling.stop)
        return Completion(
            text=text if cut is None else cut,
            finish="stop" if special and cut is not None else self.finish,
            prompt_tokens=len(self.prompt),
            generated_tokens=len(self.tokens),
            logprob_sum=self.logprob_sum,
            cached_tokens=self.cached_tokens,
            waited_s=self.waited_s,
        )


def in_words(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, CompletionFailed):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
