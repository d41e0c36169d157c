"""Open the chosen teachers. A new one is a file beside this and a row of `TEACHERS`."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from numina.corpus.teachers.annotations import AnnotationsTeacher
from numina.corpus.teachers.embedded import EmbeddedTeacher
from numina.corpus.teachers.model import model_teacher
from numina.corpus.teachers.protocol import Teacher
from numina.corpus.teachers.server import served_teacher
from numina.sandbox.pool import SandboxPool
from numina.settings import Params
from numina.sources.family import Step


@dataclass(frozen=True, slots=True)
class Means:
    """What a teacher may need.

    Attributes:
        params: the stage's sections.
        steps: of the families' problems, by their ids.
        rng: the stage's random numbers.
        pool: runs programs.
    """

    params: Params
    steps: Mapping[str, Sequence[Step]]
    rng: random.Random
    pool: SandboxPool


@asynccontextmanager
async def open_embedded(means: Means) -> AsyncIterator[Teacher]:
    knobs = means.params.tir_data
    shares = knobs.wrong_share, knobs.mended_share
    yield EmbeddedTeacher(means.steps, *shares, means.rng, means.pool)


@asynccontextmanager
async def open_annotations(means: Means) -> AsyncIterator[Teacher]:
    yield AnnotationsTeacher(means.pool)


def open_server(means: Means) -> AbstractAsyncContextManager[Teacher]:
    return served_teacher(means.params, means.pool)


def open_model(means: Means) -> AbstractAsyncContextManager[Teacher]:
    return model_teacher(means.params)


TEACHERS: Mapping[str, Callable[[Means], AbstractAsyncContextManager[Teacher]]] = {
    "embedded": open_embedded,
    "annotations": open_annotations,
    "server": open_server,
    "model": open_model,
}


@asynccontextmanager
async def open_teachers(means: Means) -> AsyncIterator[list[Teacher]]:
    """The teachers that the knobs name, in their order.

    Raises:
        UserError: one cannot be opened.
    """
    async with AsyncExitStack() as opened:
        names = means.params.tir_data.teachers
        yield [await opened.enter_async_context(TEACHERS[name](means)) for name in names]
