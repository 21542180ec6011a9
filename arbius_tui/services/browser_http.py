"""The little server behind the wallet page: three files and one WebSocket on 127.0.0.1, for one tab.

Who may ask is decided before anything else: the Host must be the very address that was bound (a rebound DNS name has
another), the Origin ours or absent, and other sites may do no more than open the page in a tab of its own. The files
hold nothing secret: what is worth guarding comes through the WebSocket, after the token of the link.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.text import clean

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
FILES = Path(__file__).parent / "wallet_page"
PAGES = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
LIVE = "/live"
MOST_IN = 4096
"""Bytes of one message of the page."""
HEARTBEAT = 20.0
"""Seconds between pings; half of it later a tab that does not answer is gone, e.g. behind a tunnel that broke."""

Talk = Callable[["web.WebSocketResponse"], Awaitable[None]]
"""What is said on the WebSocket, until either side ends it."""


def headers(origin: str) -> dict[str, str]:
    """Of every answer: nothing but our own files runs, nobody may frame, embed, keep or be told of the page."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"connect-src 'self' {origin.replace('http', 'ws', 1)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Server": "arbius-tui",
    }


def refusal(request: web.Request, origin: str) -> str:
    """Why this request is not answered, or empty."""
    if request.headers.getall("Host", []) != [origin.removeprefix("http://")]:
        return "this is no address of the wallet page"
    if request.method != "GET" or request.body_exists:
        return "the wallet page takes no such request"
    given = request.headers.getall("Origin", [])
    if given not in ([], [origin]) or (request.path == LIVE and not given):
        return "another site may not speak to the wallet page"
    site = request.headers.get("Sec-Fetch-Site", "none")
    opened = [request.headers.get(f"Sec-Fetch-{name}") for name in ("Mode", "Dest")] == ["navigate", "document"]
    if site not in ("none", "same-origin") and not (opened and request.path == "/"):
        return "another site may not use the wallet page"
    return ""


def application(origin: str, talk: Talk) -> web.Application:
    """The server as aiohttp has it."""
    from aiohttp import web

    @web.middleware
    async def gate(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if why := refusal(request, origin):
            answer = web.Response(status=403, text=why + "\n")
            answer.force_close()
            return answer
        return await handler(request)

    async def page(request: web.Request) -> web.Response:
        name, kind = PAGES[request.path]
        return web.Response(body=bodies[name], content_type=kind, charset="utf-8")

    async def live(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse(max_msg_size=MOST_IN, heartbeat=HEARTBEAT, compress=False, timeout=2)
        await answer.prepare(request)
        await talk(answer)
        return answer

    async def guard(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers(origin))

    bodies = {name: (FILES / name).read_bytes() for name, _ in PAGES.values()}
    app = web.Application(middlewares=[gate], client_max_size=MOST_IN)
    app.on_response_prepare.append(guard)
    app.router.add_routes([*(web.get(path, page) for path in PAGES), web.get(LIVE, live)])
    return app


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1; the origin, e.g. `http://127.0.0.1:41234`."""
    await asyncio.to_thread(import_module, "aiohttp.web")
    from aiohttp import web

    with listening() as listener:
        origin = f"http://{HOST}:{listener.getsockname()[1]}"
        runner = web.AppRunner(
            application(origin, talk), access_log=None, logger=silent(), shutdown_timeout=2, lingering_time=0,
            keepalive_timeout=15,
        )  # fmt: skip
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield origin
        finally:
            await runner.cleanup()


def listening() -> socket.socket:
    """A socket on a free port; NotReady `browser-port` where there is none."""
    try:
        return socket.create_server((HOST, 0), backlog=16)
    except OSError as error:
        raise NotReady(
            "browser-port",
            f"the wallet page cannot be served on {HOST}",
            why="the browser and this program meet there",
            fix="close what uses up the ports of this machine, or use another kind of account",
            detail=clean(str(error)),
        ) from None


def silent() -> logging.Logger:
    """A log that goes nowhere: what strangers send to the port is not the author's news."""
    log = logging.getLogger("arbius_tui.browser")
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    return log
