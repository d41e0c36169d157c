"""The section of its own that the experiment `cache` has."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from numina.settings.section import Positive, Section, Tokens


class CacheParams(Section):
    """What is decoded, and how it is compiled."""

    prompts: Positive  # validation problems, in one batch
    new_tokens: Tokens  # of each, at most
    repeats: Annotated[int, Field(ge=1, le=100)]  # timed runs after the first
    # In 16 bits, near ties between tokens would fall either way.
    dtype: Literal["float32", "bfloat16", "float16"]
    backend: Literal["inductor", "aot_eager", "eager"]  # of torch.compile; inductor makes kernels
    mode: Literal["default", "reduce-overhead", "max-autotune"]  # of inductor; without it: default
    limit_s: Positive  # seconds for one way of decoding, from start to end
