"""Tool-integrated solutions in ToRA's form (Gou et al. 2023, arXiv 2309.17452), made in rounds.

Teachers (`numina.corpus.teachers`) attempt problems with a number for an answer and their programs
are run; problems that no attempt solved are tried again in the next round. Every attempt is kept
with its verdict: which of them are trained on is decided by `numina.corpus.selection`.

Rows that come with a tool-integrated solution need no teacher: their programs are run and compared
with their text (`numina.corpus.ready`), or trusted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from numina.corpus.drawn import draw
from numina.corpus.finished import NOTHING, FinishedParts
from numina.corpus.ready import as_attempt, checked
from numina.corpus.sifted import Sifted
from numina.corpus.teachers.choose import Means, open_teachers
from numina.corpus.teachers.protocol import Teacher, first_that_knows
from numina.corpus.yields import Round
from numina.progress import Bar, progress_bar
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.rows import picked
from numina.sandbox.pool import SandboxPool
from numina.settings import Params
from numina.settings.data import TirData
from numina.sources.family import Step

AT_ONCE = 512  # problems of a part: they and their attempts are in memory


@dataclass(slots=True)
class Attempted:
    """How the attempts went.

    Attributes:
        rounds: of the teachers.
        ready: ready-made solutions that were kept.
        layers: the sandbox's layers of isolation, and whether each was active.
    """

    rounds: list[Round] = field(default_factory=list)
    ready: int = 0
    layers: Mapping[str, bool] = field(default_factory=dict)


async def attempts(
    problems: Sequence[Problem],
    steps: Mapping[str, Sequence[Step]],
    sections: Params,
    rows: Sifted,
    write: Callable[[Attempt], object],
    finished: FinishedParts = NOTHING,
) -> Attempted:
    """Let teachers attempt the problems in rounds; check ready-made solutions.

    Rules that leave a row out are those of `numina.corpus.drawn` and `numina.corpus.ready`.

    Args:
        problems: candidates; those with a ready-made solution, or with a number for an answer that
            a teacher knows, are tried.
        steps: those that the embedded teacher knows, by problem id.
        sections: the stage's.
        rows: takes the problems that were tried, and those left out.
        write: takes the attempts.
        finished: parts of a killed run, which are not attempted again.
    """
    params = sections.tir_data
    rng = random.Random(params.seed)
    made, parts = Attempted(), itertools.count()
    async with SandboxPool(sections.sandbox, sections.hardware.sandbox) as pool:
        made.layers = pool.layers
        means = Means(sections, steps, rng, pool)
        async with open_teachers(means) as teachers:
            drawn = draw(problems, teachers, params, rng, rows)
            with progress_bar(len(drawn.taught), "problems") as bar:
                for part, places in zip(parts, chunks(drawn.taught), strict=False):
                    taught = list(picked(problems, places))
                    for row in taught:
                        rows.keep(row)
                    found = finished.attempts(part, rng)
                    if found is None:
                        found = [a async for a in in_rounds(taught, teachers, params, bar)]
                        finished.keep_attempts(part, found, rng)
                    else:
                        bar.update(len(taught))
                    add_rounds(made.rounds, found)
                    for attempt in found:
                        write(dataclasses.replace(attempt, part=part))
        first = next(parts)
        runs = None if params.trust_ready else pool
        async for row, rule in checked(problems, drawn.ready, runs, finished):
            if rule:
                rows.leave_out(row, rule)
                continue
            rows.keep(row)
            write(dataclasses.replace(as_attempt(row), part=first + made.ready // AT_ONCE))
            made.ready += 1
    return made


async def in_rounds(
    unsolved: list[Problem],
    teachers: Sequence[Teacher],
    params: TirData,
    bar: Bar,
) -> AsyncIterator[Attempt]:
    """The attempts of teachers at problems, until they are solved or the rounds are over.

    Args:
        unsolved: the problems.
        teachers: of which the first that knows a problem attempts it.
        params: the stage's knobs.
        bar: shows how many problems are done.
    """
    for number in range(params.rounds):
        samples = range(number * params.samples, (number + 1) * params.samples)
        asked = [
            teacher.attempt(row, sample)
            for row in unsolved
            if (teacher := first_that_knows(teachers, row)) is not None
            for sample in samples
        ]
        found = [attempt for attempt in await asyncio.gather(*asked) if attempt is not None]
        if not found:
            break
        for attempt in found:
            yield dataclasses.replace(attempt, round=number + 1)
        solved = {attempt.problem_id for attempt in found if attempt.verdict == "right"}
        bar.update(len(solved))
        unsolved = [row for row in unsolved if row.id not in solved]
    bar.update(len(unsolved))


def add_rounds(rounds: list[Round], attempts: Sequence[Attempt]) -> None:
    """Count the attempts at a part of the problems, which are in the order of their rounds."""
    for number, found in itertools.groupby(attempts, key=lambda attempt: attempt.round):
        if len(rounds) < number:
            rounds.append(Round())
        rounds[number - 1].add(list(found))


def chunks(places: Sequence[int]) -> Iterator[Sequence[int]]:
    """The places part by part."""
    return (places[begin : begin + AT_ONCE] for begin in range(0, len(places), AT_ONCE))
