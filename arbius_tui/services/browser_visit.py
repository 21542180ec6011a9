"""One task on the wallet page, from the link to the wallet's answer: who may speak, and what may be said when.

A link is used once: its token buys a session, and whoever has neither learns nothing. One tab speaks at a time; a tab
that is loaded again goes on with its session, and after one that was closed there is a new link.

    page says   hello (the token or the session)    task, with everything to show; or refused
                a report (see domain/wallet_page)    nothing
                ask, again                           go: from now on the wallet may send; or refused
                sent, chosen                         done: the page has nothing more to do
                declined                             ended
"""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from arbius_tui.domain.wallet_page import REPORTS, Report, Task, report, task_json

if TYPE_CHECKING:
    from aiohttp.web import WebSocketResponse

HELLO_LIMIT = 10.0
"""Seconds in which a tab must say who it is."""
MOST_MESSAGES = 1000
"""Of one tab; a page that says more than this is not ours."""

ANSWERS = ("sent", "chosen", "declined")
"""What ends a visit."""


class Visit:
    """One task and the tab that does it. `news` has what happened in order; `asked`: the wallet may be sending."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.news: asyncio.Queue[Report] = asyncio.Queue()
        self.asked = self.over = False
        self.wallet = ""
        self.token, self.session = secret(), ""
        self.tab: WebSocketResponse | None = None
        self.page = ""
        """Of the tab that speaks, made up by it when it was loaded."""

    async def talk(self, socket: WebSocketResponse) -> None:
        """Everything that is said on one connection."""
        hello = await self.hello(socket)
        if why := self.stranger(hello):
            await self.refuse(socket, why)
            return
        before, self.tab = self.tab, socket
        if before is not None:
            await before.close()
        try:
            await socket.send_json({"kind": "task", "key": self.session, **task_json(self.task, self.asked)})
            self.tell(Report("open"))
            for _ in range(MOST_MESSAGES):
                said = await heard(socket)
                if said is None:
                    break
                await self.take(said, socket)
        finally:
            if self.tab is socket:
                self.tab = None
                self.left()

    async def hello(self, socket: WebSocketResponse) -> Report | None:
        """The first message, None if it does not come in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HELLO_LIMIT):
                return await heard(socket)
        return None

    def stranger(self, hello: Report | None) -> str:
        """Why this connection is refused, or empty; a good token is used up."""
        if hello is None or hello.kind not in ("hello", "back"):
            return "stranger"
        known = self.session if hello.kind == "back" else self.token
        if not known or not secrets.compare_digest(hello.key.encode("utf-8", "replace"), known.encode()):
            return "used"
        same = bool(hello.page) and hello.page == self.page
        if (self.tab is not None and not same) or self.over:
            self.tell(Report("second"))
            return "second"
        self.page = hello.page
        if hello.kind == "hello":
            self.token, self.session = "", secret()
        return ""

    async def refuse(self, socket: WebSocketResponse, why: str) -> None:
        """Say why and hang up."""
        with suppress(ConnectionError):
            await socket.send_json({"kind": "no", "why": why})
        await socket.close()

    async def take(self, said: Report, socket: WebSocketResponse) -> None:
        """One message of the tab that we speak with."""
        self.wallet = said.wallet or self.wallet
        if said.kind in ("ask", "again") and self.task.sends:
            if self.asked and said.kind == "ask":
                await socket.send_json({"kind": "no", "why": "asked"})
                return
            self.asked = True
            self.tell(Report("asked", self.wallet))
            await socket.send_json({"kind": "go"})
        elif self.valid(said):
            self.over = True
            self.tell(said)
            await socket.send_json({"kind": "done"})
        elif said.kind in REPORTS:
            # After every other word of a wallet something may still come of it.
            self.asked = self.asked and said.kind not in ("rejected", "failed")
            self.tell(said)

    def valid(self, said: Report) -> bool:
        """Whether this is an answer to what was asked."""
        match said.kind:
            case "sent":
                return self.task.sends and self.asked and bool(said.tx_hash)
            case "chosen":
                return not self.task.sends and bool(said.address)
            case "declined":
                return not self.asked
        return False

    def left(self) -> None:
        """The tab has gone. Nothing was asked of the wallet: a new link. Something was: who knows."""
        if self.over:
            return
        if not self.asked:
            self.token = secret()
        self.tell(Report("lost" if self.asked else "closed", self.wallet))

    def tell(self, said: Report) -> None:
        """News for whoever waits."""
        self.news.put_nowait(said)

    async def end(self) -> None:
        """The step is over here: the page says so, and nothing more is taken."""
        over, self.over = self.over, True
        self.token = self.session = ""
        if self.tab is not None and not self.tab.closed:
            with suppress(ConnectionError):
                if not over:
                    await self.tab.send_json({"kind": "ended", "asked": self.asked})
                await self.tab.close()


def secret() -> str:
    """256 bits for one use."""
    return secrets.token_urlsafe(32)


async def heard(socket: WebSocketResponse) -> Report | None:
    """The next message; None at the end, and for whatever is no message of the page."""
    from aiohttp import WSMsgType

    message = await socket.receive()
    if message.type is not WSMsgType.TEXT:
        return None
    try:
        return report(json.loads(message.data))
    except (ValueError, RecursionError):
        return None
