"""Record completions and replay them with their timing, to measure and test without a model.

A completion is identified by its sampling seed, which stands for the run's seed, the problem, the
trace and the step (`numina.agent.trace.step_seed`). So a recording of all N traces serves every
loop and rule that uses a part of them, as long as programs print the same output.

The file has one row for each completion, and one for each text whose tokens were counted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from numina.engine.protocol import Completion, Engine, Sampling
from numina.errors import UserError
from numina.rows import check_output, read_lines, write_rows

QUIET_S = 20.0  # a missing completion is an error after this time without a recorded one


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A completion and the seed of its request.

    Attributes:
        seed: of its sampling.
        seconds: from when the engine started it to its end.
        completion: the completion itself.
    """

    seed: int
    seconds: float
    completion: Completion


class Recorder:
    """An engine that calls another one and records its completions.

    Attributes:
        recorded: the completions, in the order in which they ended.
        counted: the tokens of each text that was counted, by its digest.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.recorded: list[Recorded] = []
        self.counted: dict[str, int] = {}

    async def __aenter__(self) -> Recorder:
        await self.engine.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.__aexit__(*_)

    def count_tokens(self, text: str) -> int:
        count = self.counted[digest(text)] = self.engine.count_tokens(text)
        return count

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        clock = asyncio.get_running_loop().time
        started = clock()
        completion = await self.engine.complete(prompt, sampling)
        seconds = clock() - started - completion.waited_s
        self.recorded.append(Recorded(sampling.seed, round(seconds, 4), completion))
        return completion


@asynccontextmanager
async def recording(engine: Engine, path: Path) -> AsyncIterator[Recorder]:
    """Record the completions of an open engine, and write them at the end.

    If the work is interrupted or fails, the completions so far are written.

    Raises:
        UserError: the file cannot be written; checked before any work.
    """
    check_output(path)
    recorder = Recorder(engine)
    try:
        yield recorder
    finally:
        write_recording(path, recorder)


class ReplayEngine:
    """Answers from a recording.

    Args:
        recorded: the completions; of two with the same seed the later one is used.
        places: completions that run at once; others wait, as in a real engine.
        token_s: simulated seconds per token; None for the recorded time of each completion.
        counted: tokens of each text, by its digest; others count a quarter of their characters.
    """

    def __init__(
        self,
        recorded: Iterable[Recorded],
        places: int = 10**6,
        token_s: float | None = None,
        counted: Mapping[str, int] | None = None,
    ) -> None:
        self.by_seed = {row.seed: row for row in recorded}
        self.places, self.token_s = asyncio.Semaphore(places), token_s
        self.counted = counted or {}
        self.served_at = 0.0

    async def __aenter__(self) -> ReplayEngine:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return self.counted.get(digest(text), len(text) // 4)

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        """Continue a prompt as recorded.

        If it was not recorded, the recorded run is assumed to have cancelled it when the vote was
        settled: then it does not end before the others do.

        Raises:
            UserError: it was not recorded, and no other completion has ended for `QUIET_S`.
        """
        loop = asyncio.get_running_loop()
        asked = self.served_at = loop.time()
        row = self.by_seed.get(sampling.seed)
        if row is None:
            while loop.time() - self.served_at < QUIET_S:
                await asyncio.sleep(QUIET_S - (loop.time() - self.served_at) + 0.001)
            raise UserError(f"no completion with seed {sampling.seed} was recorded")
        seconds = row.seconds
        if self.token_s is not None:
            seconds = self.token_s * row.completion.generated_tokens
        async with self.places:
            waited = loop.time() - asked
            await asyncio.sleep(seconds)
        self.served_at = loop.time()
        return dataclasses.replace(row.completion, waited_s=waited)


def digest(text: str) -> str:
    """A short name of a text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def write_recording(path: Path, recorder: Recorder) -> None:
    """Write a recording as JSONL, with completions in the order of their seeds."""

    def rows() -> Iterator[Any]:
        yield from sorted(recorder.recorded, key=lambda row: row.seed)
        for text, tokens in sorted(recorder.counted.items()):
            yield {"text": text, "tokens": tokens}

    write_rows(path, rows())


def read_recording(path: Path) -> tuple[list[Recorded], dict[str, int]]:
    """Read a recording: its completions, and the tokens of its texts by their digests.

    Raises:
        UserError: it is missing, has no completion, or has an invalid row, with the file and line.
    """
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(Recorded)
    found, counted = [], {}
    for number, row in read_lines(path):
        if isinstance(row.get("text"), str) and isinstance(row.get("tokens"), int):
            counted[row["text"]] = row["tokens"]
            continue
        try:
            found.append(adapter.validate_python(row))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise UserError(
                f"{path}, line {number}: not a recorded completion (field {field!r}: "
                f"{first['msg']})"
            ) from None
    if not found:
        raise UserError(f"{path}: holds no recorded completions")
    return found, counted
