"""Open an agent: a model to decode with, sandboxes to run its programs, a template to ask it in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from numina.agent.trace import Agent, Event, TraceLimits
from numina.engine.choose import open_engine
from numina.engine.replay import recording
from numina.sandbox.pool import SandboxPool
from numina.settings import Params
from numina.settings.decoding import EvalGreedy, Sandbox, Sctir
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
        UserError: the engine, the model, or the sandbox's isolation is missing.
    """
    engine = open_engine(params.engine, params.hardware, model, limits.max_context)
    sandboxes = SandboxPool(params.sandbox, params.hardware.sandbox)
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(engine)
        await opened.enter_async_context(sandboxes)
        if record is not None:
            engine = await opened.enter_async_context(recording(engine, record))
        template = TEMPLATES[params.template.name]
        yield Agent(engine, sandboxes, template, limits, watch, sandboxes.layers)


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
