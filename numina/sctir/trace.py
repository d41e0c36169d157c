"""One trace: decode to the end of a program, run it, append its output, until an answer."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass

from numina.answer.equal import as_integer
from numina.answer.find import find_answer
from numina.engine.protocol import Engine, Sampling
from numina.records import Trace
from numina.sandbox.pool import Pool
from numina.sandbox.text import output_text
from numina.template import CODE_END, CODE_START, OUTPUT_END, OUTPUT_START


@dataclass(frozen=True, slots=True)
class TraceLimits:
    """How one trace is decoded.

    Attributes:
        temperature, top_p: of sampling; temperature 0 is greedy.
        max_new_tokens: a step.
        max_context: tokens of prompt and text together.
        depth: how many programs are run; with 0 none is, as for chain-of-thought models.
        output_chars: how much of an output the model is shown.
        integer_only: an answer that is no integer counts as none.
    """

    temperature: float
    top_p: float
    max_new_tokens: int
    max_context: int
    depth: int
    output_chars: int
    integer_only: bool


async def run_trace(
    engine: Engine,
    pool: Pool,
    prompt: str,
    problem_id: str,
    seed: int,
    index: int,
    limits: TraceLimits,
) -> Trace:
    """Decode one trace of a problem; programs of a trace share one sandbox session."""
    text, end, outputs, statuses = "", "", [], []
    prompt_tokens = generated = 0
    logprob = decode_s = execute_s = 0.0
    async with pool.session() as session:
        while not end:
            room = limits.max_context - engine.count_tokens(prompt + text)
            if room <= 0:
                end = "context"
                break
            started = time.monotonic()
            completion = await engine.complete(
                prompt + text,
                Sampling(
                    temperature=limits.temperature,
                    top_p=limits.top_p,
                    max_new_tokens=min(limits.max_new_tokens, room),
                    stop=(OUTPUT_START,),
                    seed=step_seed(seed, problem_id, index, len(outputs)),
                ),
            )
            decode_s += time.monotonic() - started
            text += completion.text
            prompt_tokens += completion.prompt_tokens
            generated += completion.generated_tokens
            logprob += completion.logprob_sum
            if completion.finish == "end":
                end = "answer"
            elif completion.finish == "length":
                end = "context" if room < limits.max_new_tokens else "length"
            elif len(outputs) >= limits.depth:
                end = "depth"
            else:
                result = await session.run(last_program(text))
                execute_s += result.wall_s
                statuses.append(result.status)
                outputs.append((result.status, output_text(result, limits.output_chars)))
                text += f"{outputs[-1][1]}\n{OUTPUT_END}"
                if result.status != "ok" and outputs[-2:-1] == outputs[-1:]:
                    end = "repeat"
    answer = find_answer(text)
    if answer is not None and limits.integer_only:
        whole = as_integer(answer)
        answer = None if whole is None else str(whole)
    if end == "answer" and answer is None:
        end = "no_answer"
    return Trace(
        problem_id=problem_id,
        seed=seed,
        index=index,
        text=text,
        answer=answer,
        end=end,
        block_statuses=statuses,
        prompt_tokens=prompt_tokens,
        generated_tokens=generated,
        logprob=round(logprob / max(1, generated), 5),
        decode_s=round(decode_s, 3),
        execute_s=round(execute_s, 4),
    )


def step_seed(seed: int, problem_id: str, index: int, step: int) -> int:
    """A seed for one decoding step, the same in every run."""
    return zlib.crc32(f"{seed}/{problem_id}/{index}/{step}".encode())


def last_program(text: str) -> str:
    """The last code block of a text that ends in an opened output block; "" where it has none."""
    start = text.rfind(CODE_START)
    if start < 0:
        return ""
    start += len(CODE_START)
    end = text.find(CODE_END, start)
    return text[start : end if end >= 0 else len(text)].rstrip()
