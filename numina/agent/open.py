"""Open an agent: a model to decode with, sandboxes for its programs, a template for prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from numina.agent.calls import FENCED, Calls
from numina.agent.published import PUBLISHED
from numina.agent.trace import Agent, Event, Prompts, TraceLimits
from numina.engine.choose import open_engine
from numina.engine.replay import recording
from numina.sandbox.pool import SandboxPool
from numina.settings import Params
from numina.settings.decoding import EvalGreedy, Sandbox, Sctir
from numina.settings.models import TemplateParams
from numina.template import TEMPLATES


@asynccontextmanager
async def open_agent(
    params: Params,
    model: Path,
    limits: TraceLimits,
    watch: Callable[[Event], object] = lambda _: None,
    record: Path | None = None,
) -> AsyncIterator[Agent]:
    """An agent for as long as the context lasts.

    Args:
        params: the sections engine, sandbox, template and hardware.
        model: a folder with a model and its tokenizer.
        limits: of each trace.
        watch: is called with every event of every trace.
        record: where to write what the engine did, for engine.name=replay; None for nowhere.

    Raises:
        UserError: the engine, the model, its chat template or the sandbox's isolation is missing.
    """
    prompts, calls = open_template(params.template, model, limits.depth)
    engine = open_engine(params.engine, params.hardware, model, limits.max_context)
    sandboxes = SandboxPool(params.sandbox, params.hardware.sandbox)
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(engine)
        await opened.enter_async_context(sandboxes)
        if record is not None:
            engine = await opened.enter_async_context(recording(engine, record))
        yield Agent(
            *(engine, sandboxes, prompts, limits, watch, sandboxes.layers),
            calls=calls,
        )


def open_template(template: TemplateParams, model: Path, depth: int) -> tuple[Prompts, Calls]:
    """How a model is asked, and how it calls Python.

    Args:
        template: the knobs.
        model: a folder with its tokenizer, which `chat` reads.
        depth: programs that a trace may run.

    Raises:
        UserError: `chat` needs a chat template, and the tokenizer has none that works.
    """
    if template.name != "chat":
        return TEMPLATES[template.name], FENCED
    from numina.agent.chat import open_chat

    row = PUBLISHED[template.model]
    return open_chat(model, row, depth), row.calls


def greedy_limits(greedy: EvalGreedy, sandbox: Sandbox, depth: int) -> TraceLimits:
    """The limits of a greedy trace that may run `depth` programs."""
    return TraceLimits(
        temperature=0,
        top_p=1,
        max_new_tokens=greedy.max_new_tokens,
        max_context=greedy.max_context,
        depth=depth,
        output_chars=sandbox.output_chars,
    )


def sampled_limits(sctir: Sctir, sandbox: Sandbox) -> TraceLimits:
    """The limits of a sampled trace."""
    return TraceLimits(
        temperature=sctir.temperature,
        top_p=sctir.top_p,
        max_new_tokens=sctir.max_new_tokens,
        max_context=sctir.max_context,
        depth=sctir.depth,
        output_chars=sandbox.output_chars,
    )
