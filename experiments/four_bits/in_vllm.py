"""Decode prompts with vLLM and measure the speed; started by experiments.four_bits.speed.

    python -m experiments.four_bits.in_vllm MODEL JOB OUT

It runs in the environment that has vLLM. JOB holds prompts and the length of a completion.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from numina import settings
from numina.engine.choose import open_engine
from numina.engine.protocol import Completion, CompletionFailed, Engine, Sampling
from numina.errors import UserError
from numina.rows import read_object, write_json

ALONE = 2  # prompts that are also continued one at a time


async def measure(model: Path, prompts: list[str], new_tokens: int) -> dict[str, Any]:
    """Speeds of one model, in generated tokens a second.

    Raises:
        UserError: vLLM cannot load the model.
    """
    params = settings.load("engine", "sctir", "hardware")
    vllm = params.engine.model_copy(update={"name": "vllm"})
    started = time.monotonic()
    async with open_engine(vllm, params.hardware, model, params.sctir.max_context) as engine:
        await decode(engine, prompts[:1], new_tokens)  # the first request also sets things up
        load_s = time.monotonic() - started
        alone = [await decode(engine, [prompt], new_tokens) for prompt in prompts[:ALONE]]
        together = await decode(engine, prompts, new_tokens)
    return {
        "outcome": "measured",
        "load_s": round(load_s, 1),
        "completions": together.completions,
        "failed": len(prompts) - together.completions,
        "tokens": together.tokens,
        "tokens_per_s": rate([together]),
        "alone_tokens_per_s": rate(alone),
    }


class Decoded:
    """What some prompts gave: completions, generated tokens, seconds."""

    def __init__(self, found: list[Completion], seconds: float) -> None:
        self.completions, self.seconds = len(found), seconds
        self.tokens = sum(completion.generated_tokens for completion in found)


async def decode(engine: Engine, prompts: list[str], new_tokens: int) -> Decoded:
    """Continue prompts side by side, greedily; those that cannot be continued are left out."""
    sampling = Sampling(0, 1, new_tokens, (), 1)
    started = time.monotonic()
    jobs = [engine.complete(prompt, sampling) for prompt in prompts]
    found = await asyncio.gather(*jobs, return_exceptions=True)
    seconds = time.monotonic() - started
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, CompletionFailed):
            raise one
    return Decoded([one for one in found if isinstance(one, Completion)], seconds)


def rate(parts: list[Decoded]) -> float:
    """Generated tokens a second."""
    return round(sum(one.tokens for one in parts) / sum(one.seconds for one in parts), 1)


def main(model: Path, job: Path, out: Path) -> None:
    asked = read_object(job, "prompts", "new_tokens")
    try:
        found = asyncio.run(measure(model, asked["prompts"], asked["new_tokens"]))
    except UserError as error:
        found = {"outcome": "refused", "reason": str(error)}
    write_json(out, found)


if __name__ == "__main__":  # vLLM starts processes by spawn
    main(*map(Path, sys.argv[1:]))
