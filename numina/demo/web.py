"""The web page: its files, problems that come in, and what is told of them.

The page loads nothing from elsewhere, and its content security policy forbids the browser to.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from numina.demo.desk import Desk, Refused
from numina.demo.examples import EXAMPLES
from numina.demo.visit import Visit
from numina.report import page as report

HERE, REPORT = Path(__file__).parent, report.HERE
STYLE = (REPORT / "page.css", HERE / "page.css")
SCRIPT = (REPORT / "drawing.js", HERE / "page.js")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
LARGEST = 2**16  # bytes of a request
ALIVE_S = 10.0  # between signs of life, by which a page that is gone is noticed

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(desk: Desk, about: dict[str, Any]) -> web.Application:
    """The demo as a web application.

    Args:
        desk: takes the problems.
        about: what the page says of it: `model`, `n`, `seconds`.
    """
    app = web.Application(middlewares=[guarded], client_max_size=LARGEST)
    page, style, script = page_text(about), joined(STYLE), joined(SCRIPT)

    def visit_of(request: web.Request) -> Visit:
        visit = desk.visits.get(request.match_info["id"])
        if visit is None:
            raise web.HTTPNotFound(text="no such problem")
        return visit

    async def ask(request: web.Request) -> web.Response:
        try:
            visit = desk.ask(await statement_of(request))
        except Refused as error:
            return web.json_response({"error": str(error)}, status=422)
        return web.json_response({"id": visit.id}, status=201)

    async def stop(request: web.Request) -> web.Response:
        desk.stop(visit_of(request))
        return web.json_response({})

    async def events(request: web.Request) -> web.StreamResponse:
        visit = visit_of(request)
        visit.readers += 1
        visit.arrivals += 1
        try:
            return await stream(request, visit)
        finally:
            visit.readers -= 1
            desk.watch_absence(visit)

    app.router.add_get("/", served(page, "text/html"))
    app.router.add_get("/page.css", served(style, "text/css"))
    app.router.add_get("/page.js", served(script, "text/javascript"))
    app.router.add_post("/problems", ask)
    app.router.add_post("/problems/{id}/stop", stop)
    app.router.add_get("/problems/{id}/events", events)
    return app


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what other web sites could send through a visitor's browser.

    A site whose name was made to lead to this machine is known by that name (DNS rebinding), and
    only pages of ours can send JSON.
    """
    if not is_ours(request):
        raise web.HTTPForbidden(text="open the demo by the address that it printed")
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="only JSON is taken")
    response = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def is_ours(request: web.Request) -> bool:
    """Whether a request that reached a loopback address was sent to one."""
    asked = request.url.host or ""
    arrived = request.transport.get_extra_info("sockname") if request.transport else None
    if not arrived or not ipaddress.ip_address(arrived[0]).is_loopback:
        return True
    return asked == "localhost" or is_loopback(asked)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def statement_of(request: web.Request) -> str:
    """The problem in a request.

    Raises:
        Refused: there is none.
    """
    try:
        text = (await request.json())["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("The request holds no problem.") from None
    if not isinstance(text, str) or not text.strip():
        raise Refused("Write a problem first.")
    return text.encode(errors="replace").decode()  # without lone surrogates


async def stream(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Send a visit's messages as server-sent events, from the one that the page has last."""
    known = request.headers.get("Last-Event-ID", "")
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
    await response.prepare(request)
    messages = visit.read(int(known) if known.isdecimal() and len(known) < 10 else 0)
    following = asyncio.ensure_future(anext(messages, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=ALIVE_S)
            if not done:
                await response.write(b":\n\n")
                continue
            if (next_one := following.result()) is None:
                return response
            number, message = next_one
            await response.write(f"id: {number}\ndata: {json.dumps(message)}\n\n".encode())
            following = asyncio.ensure_future(anext(messages, None))
    except ConnectionError:
        return response
    finally:
        following.cancel()


def served(text: str, kind: str) -> Handler:
    """A handler that gives a text."""

    async def give(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind, charset="utf-8")

    return give


def joined(files: tuple[Path, ...]) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def page_text(about: dict[str, Any]) -> str:
    """The page; everything other than our own markup is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.jinja").render(**about, examples=EXAMPLES)
