"""A model as the teacher: rejection sampling. The agent that decodes for SC-TIR asks it, so it
writes a program, reads what that printed, and goes on."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from numina.agent.open import open_agent
from numina.agent.trace import Agent, TraceLimits, run_trace
from numina.corpus.teachers.protocol import Teacher, judged_trace
from numina.errors import UserError
from numina.local import from_root
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.settings import Params
from numina.settings.data import ModelTeacherParams
from numina.settings.models import TemplateParams
from numina.settings.splits import AnswerRule

ANY = AnswerRule(integer=False, modulus=0, lowest=None, highest=None, from_output=False)


@dataclass(frozen=True, slots=True)
class ModelTeacher:
    """Attempts any problem.

    Attributes:
        agent: decodes.
        seed: of all attempts; a sample's own comes from it.
    """

    agent: Agent
    seed: int
    name: str = "model"

    def knows(self, problem: Problem) -> bool:
        return True

    async def attempt(self, problem: Problem, sample: int) -> Attempt:
        trace = await run_trace(self.agent, problem, self.seed, sample, ANY)
        return await judged_trace(problem, sample, self.name, trace)


@asynccontextmanager
async def model_teacher(params: Params) -> AsyncIterator[Teacher]:
    """A teacher that samples from a model.

    Args:
        params: the sections tir_data, sandbox and hardware.

    Raises:
        UserError: the folder is missing or holds another model than `sha256` says, or the engine
            cannot be opened.
    """
    given, folder = params.tir_data.model, from_root(params.tir_data.model.path)
    check_model(folder, given)
    limits = TraceLimits(
        temperature=given.temperature,
        top_p=given.top_p,
        max_new_tokens=given.max_new_tokens,
        max_context=given.max_context,
        depth=given.depth,
        output_chars=params.sandbox.output_chars,
    )
    opened = Params.model_construct(
        engine=given.engine,
        template=TemplateParams(name=given.template, model="", limits="knobs"),
        sandbox=params.sandbox,
        hardware=params.hardware,
    )
    async with open_agent(opened, folder, limits) as agent:
        yield ModelTeacher(agent, params.tir_data.seed)


def check_model(folder: Path, params: ModelTeacherParams) -> None:
    """Check that a folder holds the model that the knobs name: DVC compares the knobs alone.

    Raises:
        UserError: it does not, with the hash that it has.
    """
    if not folder.is_dir():
        raise UserError(f"tir_data.model.path: {params.path!r} is not a folder with a model")
    found = folder_hash(folder)
    if not params.sha256:
        raise UserError(
            f"tir_data.model.sha256: is empty; {params.path} has {found}: state it, so that DVC "
            "sees when another model is there"
        )
    if params.sha256 != found:
        raise UserError(f"tir_data.model.sha256: {params.path} has {found}, not {params.sha256}")


def folder_hash(folder: Path) -> str:
    """The SHA-256 of the weights, configuration and tokenizer in a folder."""
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("*.safetensors"), *folder.glob("*.json")]):
        with file.open("rb") as content:
            digest.update(file.name.encode())
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
