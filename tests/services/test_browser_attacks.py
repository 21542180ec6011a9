"""Who else may try: another Host, another Origin, no token, a replay, too many bytes, a second tab, a frame."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import aiohttp.web
import pytest

from arbius_tui.domain.wallet_page import LONGEST, REPORTS, Task, report, task_json
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services import browser_visit
from arbius_tui.services.browser_http import MOST_IN, serving
from arbius_tui.services.browser_visit import Visit
from tests.chromium import Browser, Wallet, chromium_process, connected
from tests.loopback import listening
from tests.parts import need

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
HASH = "0x" + "ab" * 32
TASK = Task(REHEARSAL, ACCOUNT, {"to": REHEARSAL.engine, "data": "0x", "value": 0}, (("call", "registerModel"),))

TASK_JSON = task_json(TASK, asked=False)


class Page:
    """A visit behind its server, and a client that can say anything."""

    def __init__(self, visit: Visit, origin: str, client: aiohttp.ClientSession) -> None:
        self.visit, self.origin, self.client = visit, origin, client

    @property
    def host(self) -> str:
        return self.origin.removeprefix("http://")

    def live(self, **headers: str) -> Any:
        return self.client.ws_connect(self.origin + "/live", headers={"Origin": self.origin, **headers})

    async def hello(self, socket: aiohttp.ClientWebSocketResponse, kind: str, key: str) -> Any:
        await socket.send_json({"kind": kind, "key": key})
        return await socket.receive_json(timeout=30)

    async def raw(self, text: str) -> str:
        """The whole answer to bytes that no client library would send."""
        reader, writer = await asyncio.open_connection(*self.host.split(":"))
        try:
            writer.write(text.encode())
            await writer.drain()
            async with asyncio.timeout(30):
                return (await reader.read()).decode()
        except ConnectionResetError:
            return ""
        finally:
            writer.transport.abort()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    visit = Visit(TASK)
    async with aiohttp.ClientSession() as client, serving(visit.talk) as origin:
        yield Page(visit, origin, client)
        await visit.end()


async def news(page: Page) -> list[str]:
    """What the terminal was told so far."""
    return [page.visit.news.get_nowait().kind for _ in range(page.visit.news.qsize())]


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/live", "/nothing"])
@pytest.mark.parametrize(
    "host", ["attacker.example", "attacker.example:PORT", "localhost:PORT", "127.0.0.1", "[::1]:PORT"]
)
async def test_a_rebound_name_gets_nothing(page: Page, path: str, host: str) -> None:
    named = host.replace("PORT", page.host.partition(":")[2])
    async with page.client.get(page.origin + path, headers={"Host": named}) as answer:
        assert answer.status == 403
        assert len(await answer.read()) < 80


async def test_two_hosts_or_none_get_nothing(page: Page) -> None:
    two = await page.raw(f"GET / HTTP/1.1\r\nHost: {page.host}\r\nHost: attacker.example\r\nConnection: close\r\n\r\n")
    assert two.split(" ")[1] in ("400", "403")
    none = await page.raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert none.split(" ")[1] in ("400", "403")


@pytest.mark.parametrize(
    "origin", ["http://attacker.example", "null", "https://HOST", "http://127.0.0.1", "http://localhost:1"]
)
async def test_another_origin_gets_nothing(page: Page, origin: str) -> None:
    named = origin.replace("HOST", page.host)
    for path in ("/", "/page.js", "/live"):
        async with page.client.get(page.origin + path, headers={"Origin": named}) as answer:
            assert answer.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await page.live(Origin=named)
    assert refused.value.status == 403


async def test_a_websocket_without_an_origin_is_refused(page: Page) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await page.client.ws_connect(page.origin + "/live")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_may_only_open_the_page_in_a_tab(page: Page, site: str) -> None:
    def asked(mode: str, kind: str) -> dict[str, str]:
        return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": kind}

    refused = [("/", asked("navigate", "iframe")), ("/", asked("no-cors", "image")), ("/", {"Sec-Fetch-Site": site}),
               ("/page.js", asked("no-cors", "script")), ("/page.js", asked("navigate", "document"))]  # fmt: skip
    for path, headers in refused:
        async with page.client.get(page.origin + path, headers=headers) as answer:
            assert answer.status == 403, (path, headers)
    async with page.client.get(page.origin, headers=asked("navigate", "document")) as answer:
        assert answer.status == 200


async def test_every_answer_forbids_frames_embedding_keeping_and_foreign_scripts(page: Page) -> None:
    for path, status in {"/": 200, "/page.js": 200, "/page.css": 200, "/nothing": 404, "/page.js/../x": 404}.items():
        async with page.client.get(page.origin + path) as answer:
            assert answer.status == status
            policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
            assert policy == {
                "default-src": "'none'",
                "script-src": "'self'",
                "style-src": "'self'",
                "connect-src": f"'self' {page.origin.replace('http', 'ws')}",
                "base-uri": "'none'",
                "form-action": "'none'",
                "frame-ancestors": "'none'",
            }
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


async def test_the_files_hold_no_secret(page: Page) -> None:
    for path in ("/", "/page.js", "/page.css"):
        async with page.client.get(page.origin + path) as answer:
            text = await answer.text()
        assert page.visit.token not in text
        assert ACCOUNT not in text
        assert "unsafe" not in text
        assert "://" not in text.replace("ws://${location.host}", "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
async def test_nothing_but_get(page: Page, method: str) -> None:
    async with page.client.request(method, page.origin + "/") as answer:
        assert answer.status == 403


async def test_an_oversized_body_is_neither_read_nor_kept(page: Page) -> None:
    head = f"POST / HTTP/1.1\r\nHost: {page.host}\r\nContent-Length: 1000000000\r\n\r\n" + "x" * 4096
    answer = await page.raw(head)  # ends although a gigabyte is missing
    assert answer.startswith("HTTP/1.1 403")
    get = f"GET / HTTP/1.1\r\nHost: {page.host}\r\nContent-Length: 5000\r\n\r\n" + "x" * 5000
    assert (await page.raw(get)).startswith("HTTP/1.1 403")


async def test_an_oversized_message_ends_the_connection(page: Page) -> None:
    async with page.live() as socket:
        await page.hello(socket, "hello", page.visit.token)
        await socket.send_str(json.dumps({"kind": "wallets", "text": "x" * MOST_IN}))
        ended = await socket.receive(timeout=30)
        assert (ended.type, ended.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)
    assert "wallets" not in await news(page)


@pytest.mark.parametrize("key", ["", "x", "x" * 43, "é" * 20, "\ud800"])
async def test_no_token_or_a_wrong_one_learns_nothing(page: Page, key: str) -> None:
    for kind in ("hello", "back", "sent", "ask"):
        async with page.live() as socket:
            assert (await page.hello(socket, kind, key))["kind"] == "no"
            assert (await socket.receive(timeout=30)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert await news(page) == []
    assert page.visit.tab is None


async def test_who_says_nothing_is_hung_up_on(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_visit, "HELLO_LIMIT", 0.05)
    async with page.live() as socket:
        assert (await socket.receive_json(timeout=30))["why"] == "stranger"


async def test_a_token_works_once(page: Page) -> None:
    token = page.visit.token
    async with page.live() as socket:
        assert (await page.hello(socket, "hello", token))["kind"] == "task"
        async with page.live() as second:
            assert await page.hello(second, "hello", token) == {"kind": "no", "why": "used"}
        async with page.live() as third:
            assert await page.hello(third, "back", token) == {"kind": "no", "why": "used"}
    await closed(page)
    async with page.live() as late:
        assert await page.hello(late, "hello", token) == {"kind": "no", "why": "used"}


async def closed(page: Page) -> None:
    """Wait until the server has seen that the tab is gone."""
    async with asyncio.timeout(30):
        while (await page.visit.news.get()).kind not in ("closed", "lost"):
            pass


async def test_a_session_ends_when_the_next_link_is_used(page: Page) -> None:
    async with page.live() as socket:
        key = (await page.hello(socket, "hello", page.visit.token))["key"]
    await closed(page)
    async with page.live() as socket:
        assert (await page.hello(socket, "hello", page.visit.token))["key"] != key
    await closed(page)
    async with page.live() as socket:
        assert await page.hello(socket, "back", key) == {"kind": "no", "why": "used"}


async def test_one_tab_at_a_time(page: Page) -> None:
    async with page.live() as socket:
        key = (await page.hello(socket, "hello", page.visit.token))["key"]
        async with page.live() as second:
            assert await page.hello(second, "back", key) == {"kind": "no", "why": "second"}
        await socket.send_json({"kind": "ready", "wallet": "Mine"})
        await socket.send_json({"kind": "ask"})
        assert await socket.receive_json(timeout=30) == {"kind": "go"}
    assert (await news(page))[:4] == ["open", "second", "ready", "asked"]


async def test_a_page_whose_broken_connection_nobody_noticed_comes_back(page: Page) -> None:
    async with page.live() as first:
        await first.send_json({"kind": "hello", "key": page.visit.token, "page": "one"})
        key = (await first.receive_json(timeout=30))["key"]
        async with page.live() as other:
            await other.send_json({"kind": "back", "key": key, "page": "two"})
            assert await other.receive_json(timeout=30) == {"kind": "no", "why": "second"}
        async with page.live() as again:
            await again.send_json({"kind": "back", "key": key, "page": "one"})
            assert (await again.receive_json(timeout=30))["kind"] == "task"
            assert (await first.receive(timeout=30)).type is aiohttp.WSMsgType.CLOSE
            await again.send_json({"kind": "declined"})
            assert await again.receive_json(timeout=30) == {"kind": "done"}
    assert await news(page) == ["open", "second", "open", "declined"]


async def test_a_hash_counts_only_after_the_wallet_was_asked_and_only_once(page: Page) -> None:
    async with page.live() as socket:
        await page.hello(socket, "hello", page.visit.token)
        await socket.send_json({"kind": "sent", "hash": HASH})
        await socket.send_json({"kind": "chosen", "address": ACCOUNT})
        await socket.send_json({"kind": "ask"})
        assert await socket.receive_json(timeout=30) == {"kind": "go"}
        for wrong in ("0x12", HASH + "0", 7, None, [HASH]):
            await socket.send_json({"kind": "sent", "hash": wrong})
        await socket.send_json({"kind": "ask"})
        assert await socket.receive_json(timeout=30) == {"kind": "no", "why": "asked"}
        await socket.send_json({"kind": "sent", "hash": HASH})
        assert await socket.receive_json(timeout=30) == {"kind": "done"}
    assert await news(page) == ["open", "asked", "sent"]


@pytest.mark.parametrize(
    "text", ["[" * 4000, "{}", "null", "7", '"x"', '{"kind":7}', '{"kind":"sent","hash":{}}', "\0", "{"]
)
async def test_a_message_that_is_none_does_no_harm(page: Page, text: str) -> None:
    async with page.live() as socket:
        await page.hello(socket, "hello", page.visit.token)
        await socket.send_str(text)
    await closed(page)
    async with page.live() as socket:
        assert (await page.hello(socket, "hello", page.visit.token))["kind"] == "task"


async def test_after_the_end_nothing_answers(page: Page) -> None:
    async with page.live() as socket:
        key = (await page.hello(socket, "hello", page.visit.token))["key"]
        await page.visit.end()
        assert await socket.receive_json(timeout=30) == {"kind": "ended", "asked": False}
        for kind in ("hello", "back"):
            async with page.live() as late:
                assert (await page.hello(late, kind, key if kind == "back" else ""))["kind"] == "no"


def test_what_a_page_says_is_read_strictly() -> None:
    said = report(
        {"kind": "wallets", "wallet": "\x1b[31m\u202eM" * 60, "text": "a\n" * 900, "chain": True, "address": "0x12"}
    )
    assert said is not None
    assert (len(said.wallet), len(said.text), said.chain_id, said.address) == (40, LONGEST, 0, "")
    assert said.wallet.isprintable()
    assert not REPORTS & {"sent", "chosen", "asked", "lost", "open", "declined"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    with chromium_process(need("chromium")) as endpoint:
        yield endpoint


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with connected(chromium) as found:
        yield found


@asynccontextmanager
async def site(html: str) -> AsyncIterator[str]:
    """A page of somebody else on this machine."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = html.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    async with listening(handle) as address:
        yield f"http://{address}"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_another_site_can_neither_frame_nor_read_nor_talk_to_the_page(
    browser: Browser, page: Page, name: str
) -> None:
    link, live = f"{page.origin}/#{page.visit.token}", page.origin.replace("http", "ws") + "/live"
    names = {"LINK": link, "SCRIPT": page.origin + "/page.js", "LIVE": live, "POST": page.origin + "/live"}
    script = TRIES
    for mark, address in names.items():
        script = script.replace(f'"{mark}"', json.dumps(address))
    async with site(f"<script>{script}</script>") as address:
        tab = await browser.tab(address.replace("127.0.0.1", name))
        await tab.until("Object.keys(tried).length === 6")
        tried = await tab.run("tried")
    refused = dict.fromkeys(("cors", "no-cors", "post", "script", "live"), "refused")
    assert tried == {"frame": "opaque", **refused}
    assert page.visit.tab is None
    assert await news(page) == []


async def test_a_connection_that_breaks_comes_back_with_its_session(browser: Browser, page: Page) -> None:
    """A tunnel that breaks, or a machine that slept: the page goes on where it stood."""
    tab = await browser.tab(f"{page.origin}/#{page.visit.token}")
    await tab.status("No wallet answers")
    session = page.visit.session
    assert page.visit.tab is not None
    page.visit.tab.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    await closed(page)
    async with asyncio.timeout(30):
        assert (await page.visit.news.get()).kind == "open"
    assert page.visit.session == session
    await tab.press("Call it off")
    await tab.status("Called off. Nothing was sent")


async def test_who_takes_the_port_over_cannot_change_what_is_sent(browser: Browser) -> None:
    """The wizard dies, and another program binds its port while the page tries to come back."""
    evil = {**TASK_JSON, "transaction": {**TASK_JSON["transaction"], "to": "0x" + "66" * 20}}
    tasks, sent = [TASK_JSON, evil], asyncio.Queue[Any]()
    shown, taken = asyncio.Event(), asyncio.Event()

    async def talk(live: aiohttp.web.WebSocketResponse) -> None:
        await live.receive()
        await live.send_json({"kind": "task", "key": "k", **tasks.pop(0)})
        if tasks:
            await shown.wait()
            return  # the first one ends here
        taken.set()
        async for message in live:
            if json.loads(message.data)["kind"] in ("ask", "again"):
                await live.send_json({"kind": "go"})

    async def send(method: str, params: list[Any]) -> Any:
        sent.put_nowait(params[0])
        return HASH

    async with serving(talk) as origin:
        tab = await browser.tab(f"{origin}/#token", Wallet("Mine", [ACCOUNT], REHEARSAL.chain_id, send))
        async with asyncio.timeout(30):
            await tab.press("Mine")
            await tab.until("document.body.innerText.includes('Send with Mine')")
            shown.set()
            await taken.wait()
            await tab.press("Send with Mine")
            assert await sent.get() == TASK_JSON["transaction"]


TRIES = """
  const tried = {}, root = document.documentElement;
  const settle = (what, how) => { tried[what] = how; };
  const frame = document.createElement("iframe");
  frame.onload = () => settle("frame", frame.contentDocument === null ? "opaque" : "read");
  frame.src = "LINK";
  root.append(frame);
  const fetched = (what, url, how) => fetch(url, how).then((r) => settle(what, r.type), () => settle(what, "refused"));
  fetched("cors", "SCRIPT", {mode: "cors"});
  fetched("no-cors", "SCRIPT", {mode: "no-cors"});
  fetched("post", "POST", {method: "POST", mode: "no-cors", body: "x"});
  const code = document.createElement("script");
  code.onload = () => settle("script", "ran");
  code.onerror = () => settle("script", "refused");
  code.src = "SCRIPT";
  root.append(code);
  const live = new WebSocket("LIVE");
  live.onopen = () => settle("live", "open");
  live.onerror = () => settle("live", "refused");
"""
"""What another site can try in a browser."""


async def test_a_name_that_resolves_to_this_machine_gets_nothing(chromium: str, page: Page) -> None:
    """DNS rebinding as a browser does it: the name is the attacker's, the address ours."""
    rule = "--host-resolver-rules=MAP attacker.example 127.0.0.1"
    port = page.host.partition(":")[2]
    with chromium_process(need("chromium"), rule) as endpoint:
        async with connected(endpoint) as browser:
            tab = await browser.tab(f"http://attacker.example:{port}/#{page.visit.token}")
            await tab.until("document.body && document.body.innerText.includes('no address of the wallet page')")
            assert await tab.run("fetch('/page.js').then(r => r.status)") == 403
    assert await news(page) == []
