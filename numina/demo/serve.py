"""Open an agent and serve the page until it is interrupted."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from aiohttp import web

from numina.agent.open import open_agent, sampled_limits
from numina.demo.desk import Desk, Terms
from numina.demo.web import application
from numina.errors import UserError
from numina.settings.params import Params
from numina.terminal import say


async def serve(params: Params, model: Path, host: str, port: int, terms: Terms) -> None:
    """Serve the demo.

    Args:
        params: the sections sctir, answers, engine, sandbox, template and hardware.
        model: a folder with a model.
        host: the address to listen at.
        port: 0 takes a free one.
        terms: what each visitor gets.

    Raises:
        UserError: the address is taken or not of this machine, or the agent cannot be opened.
    """
    sctir = params.sctir
    with listening(host, port) as listener:
        async with open_agent(params, model, sampled_limits(sctir, params.sandbox)) as agent:
            desk = Desk(agent, sctir, params.answers.solve, terms)
            about = {"model": model.name, "n": sctir.n, "seconds": f"{terms.seconds:g}"}
            runner = web.AppRunner(application(desk, about), shutdown_timeout=1, access_log=None)
            await runner.setup()
            try:
                await web.SockSite(runner, listener).start()
                name = f"[{host}]" if ":" in host else host
                say(f"the demo is at http://{name}:{listener.getsockname()[1]}/ (Ctrl-C ends it)")
                await asyncio.Event().wait()
            finally:
                await desk.close()
                await runner.cleanup()


def listening(host: str, port: int) -> socket.socket:
    """A socket at an address; it is taken before the model is loaded.

    Raises:
        UserError: it cannot be.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UserError(f"{host}:{port}: cannot listen there: {error}") from None
