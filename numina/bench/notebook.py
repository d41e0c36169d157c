"""The winners' loop as in their notebook, written from its description, defects included.

Kept on purpose: all N traces wait for the slowest at each step, then for the slowest program;
generation goes on for traces that have answered; the whole text is read again at each step (the
caller gives an engine with `prefix_caching` off); each block runs in a new Python process that
first imports numpy and sympy; a last line without `print(` is wrapped in one; tracebacks lose
their location; long outputs keep their beginning; depth M runs code M - 1 times; an answer without
code is dropped; only the last 100 characters are searched for a box; answers are rounded and taken
modulo 1000, negative ones are dropped; in a tie the first answer wins; no votes give 0; there is no
time budget and no early stop. One exception: a kind of time-out that the notebook does not catch
would end the benchmark, so here every time-out is caught.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from numina.agent.trace import TraceLimits, step_seed
from numina.answer.find import last_box
from numina.engine.protocol import Engine, Sampling
from numina.fences import CODE_END, CODE_START, OUTPUT_END, OUTPUT_START

IMPORTS = "import math\nimport numpy as np\nimport sympy as sp\n"


@dataclass(frozen=True, slots=True)
class Executed:
    """What a block printed, or its traceback, in `seconds`."""

    output: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Solved:
    """The notebook's answer to a problem, with the tokens it generated and the seconds it took."""

    answer: int
    tokens: int
    seconds: float


Run = Callable[[str], Awaitable[Executed]]


def execute(code: str, timeout_s: float) -> Executed:
    """Run a block in a new Python process."""
    started = time.monotonic()
    lines = (IMPORTS + code).strip().split("\n")
    if "print(" not in lines[-1]:
        lines[-1] = f"print({lines[-1].split('#')[0]})"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tmp.py"
        file.write_text("\n".join(lines), encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, str(file)],
                capture_output=True,
                check=False,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            return Executed("Code timed out", time.monotonic() - started)
    output = done.stdout if done.returncode == 0 else done.stderr
    told = output.decode(errors="replace").split("\n")
    kept = [line for line in told if not line.lstrip().startswith('File "')]
    return Executed("\n".join(kept).strip(), time.monotonic() - started)


async def solve(
    engine: Engine,
    run: Run,
    prompt: str,
    problem_id: str,
    seed: int,
    n: int,
    limits: TraceLimits,
) -> Solved:
    """Solve one problem; the seeds of the steps are those of `numina.agent.trace.run_trace`."""
    clock = asyncio.get_running_loop().time
    started, tokens = clock(), 0
    texts = dict.fromkeys(range(n), prompt)
    for step in range(limits.depth):
        asked = [
            engine.complete(
                text,
                Sampling(
                    limits.temperature,
                    limits.top_p,
                    limits.max_new_tokens,
                    (OUTPUT_START,),
                    step_seed(seed, problem_id, index, step),
                ),
            )
            for index, text in texts.items()
        ]
        for index, completion in zip(list(texts), await asyncio.gather(*asked), strict=True):
            texts[index] += completion.text
            tokens += completion.generated_tokens
        if step == limits.depth - 1:
            break
        asking = [index for index, text in texts.items() if text.endswith(OUTPUT_START)]
        programs = [last_program(texts[index][len(prompt) :]) for index in asking]
        for index, done in zip(asking, await asyncio.gather(*map(run, programs)), strict=True):
            output = done.output
            if len(output) > limits.output_chars:
                output = output[: limits.output_chars] + "..."
            texts[index] += f"{output}\n{OUTPUT_END}"
            if not output:
                del texts[index]
        texts = {i: text for i, text in texts.items() if CODE_START in text[len(prompt) :]}
    answers = [answer_of(text[len(prompt) :]) for text in texts.values()]
    return Solved(vote(answers), tokens, clock() - started)


def answer_of(text: str) -> int | None:
    """A trace's answer, read as in the notebook."""
    try:
        rounded = round(float(last_box(text[-100:]) or ""))
    except (ValueError, OverflowError):
        return None
    return rounded % 1000 if rounded >= 0 else None


def vote(answers: Sequence[int | None]) -> int:
    """The most frequent answer, the first of those that tie; 0 if there is none."""
    counted = Counter(answer for answer in answers if answer is not None)
    return counted.most_common(1)[0][0] if counted else 0


def last_program(text: str) -> str:
    """What the notebook takes as the program: everything after the last Python fence."""
    start = text.rfind(CODE_START)
    if start < 0:
        return ""
    start += len(CODE_START)
    end = text.find(CODE_END, start)
    return text[start : end if end >= 0 else len(text)].rstrip()
