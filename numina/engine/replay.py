"""Replay recorded completions, each after the time it took: to measure and test what is around an
engine without a model.

A completion is known by its sampling seed, which names the run's seed, the problem, the trace and
the step (`numina.agent.trace.step_seed`). So a recording of all N traces serves every loop and rule
that takes a part of them, as long as programs print what they printed then.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from pathlib import Path

from numina.engine.protocol import Completion, Engine, Sampling
from numina.errors import UserError
from numina.rows import read_rows, write_rows


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
    """An engine that passes on what another one does, and keeps it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.recorded: list[Recorded] = []

    async def __aenter__(self) -> Recorder:
        await self.engine.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.__aexit__(*_)

    def count_tokens(self, text: str) -> int:
        return self.engine.count_tokens(text)

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        clock = asyncio.get_running_loop().time
        started = clock()
        completion = await self.engine.complete(prompt, sampling)
        seconds = clock() - started - completion.waited_s
        self.recorded.append(Recorded(sampling.seed, round(seconds, 4), completion))
        return completion


class ReplayEngine:
    """Answers from a recording.

    Args:
        recorded: what to answer; of two with one seed the later holds.
        places: completions that run side by side; others wait, as on a real engine.
        token_s: simulated seconds a token; None for the recorded time of each completion.
    """

    def __init__(
        self, recorded: Iterable[Recorded], places: int = 10**6, token_s: float | None = None
    ) -> None:
        self.by_seed = {row.seed: row for row in recorded}
        self.places, self.token_s = asyncio.Semaphore(places), token_s

    async def __aenter__(self) -> ReplayEngine:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        """About the number of tokens: a recording has no tokenizer."""
        return len(text) // 4

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        row = self.by_seed.get(sampling.seed)
        if row is None:
            raise UserError(f"no completion with seed {sampling.seed} was recorded")
        loop = asyncio.get_running_loop()
        asked = loop.time()
        seconds = row.seconds
        if self.token_s is not None:
            seconds = self.token_s * row.completion.generated_tokens
        async with self.places:
            waited = loop.time() - asked
            await asyncio.sleep(seconds)
        return dataclasses.replace(row.completion, waited_s=waited)


def write_recording(path: Path, recorded: Iterable[Recorded]) -> None:
    """Write a recording as JSONL, in the order of the seeds."""
    write_rows(path, sorted(recorded, key=lambda row: row.seed))


def read_recording(path: Path) -> list[Recorded]:
    """Read a recording.

    Raises:
        UserError: it is missing, or a row is none, with the file and the row.
    """
    try:
        rows = read_rows(path)
    except (OSError, ValueError) as error:
        raise UserError(f"engine.recording: {error}") from None
    found = []
    for number, row in enumerate(rows, 1):
        try:
            completion = Completion(**row["completion"])
            found.append(Recorded(int(row["seed"]), float(row["seconds"]), completion))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}, row {number}: no recorded completion ({error})") from None
    return found
