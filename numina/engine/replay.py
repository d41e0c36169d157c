"""Record completions, and replay them, each after the time it took: to measure and test what is
around an engine without a model.

A completion is known by its sampling seed, which names the run's seed, the problem, the trace and
the step (`numina.agent.trace.step_seed`). So a recording of all N traces serves every loop and rule
that takes a part of them, as long as programs print what they printed then.

The file has a row for each completion, and one for each text whose tokens were counted.
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

QUIET_S = 20.0  # without a recorded completion, until one that is missing is an error


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A completion and what it was asked with.

    Attributes:
        seed: of its sampling.
        seconds: from when the engine took it up to its end.
        completion: as it was given.
    """

    seed: int
    seconds: float
    completion: Completion


class Recorder:
    """An engine that passes on what another one does, and keeps it.

    Attributes:
        recorded: the completions, in the order of their ends.
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
    """Record what an engine that is open already does, and write it at the end.

    It is written when the work is interrupted or fails, too: what was completed until then.

    Raises:
        UserError: the file cannot be written, before any work.
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
        recorded: what to answer; of two with one seed the later holds.
        places: completions that run side by side; others wait, as on a real engine.
        token_s: simulated seconds a token; None for the recorded time of each completion.
        counted: the tokens of texts, by their digests; a quarter of its characters for others.
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
        """Continue a prompt as it was.

        One that was not recorded is taken for one that the recorded run cancelled, when its vote
        was settled: it does not end before the votes of the others do.

        Raises:
            UserError: it was not recorded, and nothing else has ended for `QUIET_S`.
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
    """Write what was recorded as JSONL, completions in the order of their seeds."""

    def rows() -> Iterator[Any]:
        yield from sorted(recorder.recorded, key=lambda row: row.seed)
        for text, tokens in sorted(recorder.counted.items()):
            yield {"text": text, "tokens": tokens}

    write_rows(path, rows())


def read_recording(path: Path) -> tuple[list[Recorded], dict[str, int]]:
    """Read a recording: its completions, and the tokens of its texts by their digests.

    Raises:
        UserError: it is missing, holds no completion, or a row is neither, with the file and line.
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
