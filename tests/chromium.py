"""A headless Chromium for tests, driven by its own DevTools protocol, and a wallet in it that is played from Python."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import aiohttp

PATIENCE = 60.0
"""Seconds for anything that a page should come to; only a failing test waits so long."""

Handle = Callable[[str, list[Any]], Awaitable[Any]]
"""What a wallet answers to a method and its parameters; WalletError for an error."""


class WalletError(Exception):
    """An error as EIP-1193 has it."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


@contextmanager
def chromium_process(binary: str, *more: str) -> Iterator[str]:
    """A fresh headless browser with a profile of its own; the WebSocket of its DevTools."""
    profile = tempfile.mkdtemp(prefix="chromium-")
    switches = [
        "--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={profile}", "--no-first-run",
        "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--disable-extensions", "--no-proxy-server", *more, "about:blank",
    ]  # fmt: skip
    env = {**os.environ, "HOME": profile}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([binary, *switches], stderr=log, stdout=log, start_new_session=True, env=env)
        try:
            yield devtools(process, log)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            shutil.rmtree(profile, ignore_errors=True)


def devtools(process: subprocess.Popen[bytes], log: Any) -> str:
    """What the browser says of its own address."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        log.seek(0)
        said = log.read()
        if found := re.search(r"DevTools listening on (ws://\S+)", said):
            return found[1]
        assert process.poll() is None, said
        time.sleep(0.05)
    raise AssertionError(said)


class Browser:
    """A connection to the browser, with a context of its own: nothing of another test is in it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.number = 0
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.tabs: dict[str, Tab] = {}
        self.context = ""
        self.jobs: set[asyncio.Task[None]] = set()

    async def ask(self, method: str, session: str = "", **params: Any) -> Any:
        """One command."""
        self.number += 1
        number, answer = self.number, asyncio.get_running_loop().create_future()
        self.waiting[number] = answer
        await self.socket.send_json(
            {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        )
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def listen(self) -> None:
        """Answers and events."""
        async for message in self.socket:
            said = json.loads(message.data)
            if (answer := self.waiting.pop(said.get("id", 0), None)) and not answer.done():
                if "error" in said:
                    answer.set_exception(RuntimeError(said["error"]["message"]))
                else:
                    answer.set_result(said["result"])
            elif tab := self.tabs.get(said.get("sessionId", "")):
                tab.event(said["method"], said["params"])

    async def tab(self, url: str, wallet: Wallet | None = None) -> Tab:
        """A new tab, with a wallet that is there before any script of the page."""
        target = await self.ask("Target.createTarget", url="about:blank", browserContextId=self.context)
        session = await self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = Tab(self, target["targetId"], session["sessionId"], wallet)
        self.tabs[tab.session] = tab
        for domain in ("Page", "Runtime", "Network", "Log"):
            await tab.ask(f"{domain}.enable")
        if wallet is not None:
            wallet.tabs.append(tab)
            await tab.ask("Runtime.addBinding", name="walletAsked")
            await tab.ask("Page.addScriptToEvaluateOnNewDocument", source=wallet.script())
        await tab.go(url)
        return tab


class Tab:
    """One tab."""

    def __init__(self, browser: Browser, target: str, session: str, wallet: Wallet | None) -> None:
        self.browser, self.target, self.session, self.wallet = browser, target, session, wallet
        self.requests: list[str] = []
        self.complaints: list[str] = []

    async def ask(self, method: str, **params: Any) -> Any:
        """One command for this tab."""
        return await self.browser.ask(method, self.session, **params)

    def event(self, method: str, params: Any) -> None:
        """What the tab tells by itself."""
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:2000])
        elif method == "Runtime.bindingCalled" and self.wallet is not None:
            job = asyncio.create_task(self.serve(json.loads(params["payload"])))
            self.browser.jobs.add(job)
            job.add_done_callback(self.browser.jobs.discard)

    async def serve(self, asked: Any) -> None:
        """The wallet's answer to the page."""
        assert self.wallet is not None
        try:
            answer = {"result": await self.wallet.answer(asked["method"], asked["params"])}
        except WalletError as error:
            answer = {"error": {"code": error.code, "message": error.message, "data": error.data}}
        with suppress(RuntimeError):  # the page may have gone
            await self.run(f"testWallet.answer({asked['id']}, {json.dumps(answer)})")

    async def go(self, url: str) -> None:
        """Open an address."""
        await self.ask("Page.navigate", url=url)

    async def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression is true; its value."""
        found: Any = None
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    with suppress(RuntimeError, AssertionError):  # between two documents there is none
                        if found := await self.run(script):
                            return found
                    await asyncio.sleep(0.02)
        except TimeoutError:
            text = await self.run("document.body.innerText")
            raise AssertionError(f"{script} never came true; the page says {text!r}, {self.complaints}") from None

    async def status(self, part: str) -> str:
        """Wait for these words in the status; all of it."""
        await self.until(f"document.getElementById('status')?.textContent.includes({json.dumps(part)})")
        return str(await self.run("document.getElementById('status').textContent"))

    async def press(self, text: str) -> None:
        """Wait for a button with this text that may be pressed, and press it as a person would."""
        named = f"!b.disabled && b.textContent.includes({json.dumps(text)})"
        find = f"[...document.querySelectorAll('button')].find(b => {named})"
        await self.until(f"Boolean({find})")
        place = await self.run(
            f"(b => {{ b.scrollIntoView({{block: 'center'}}); const r = b.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2]; }})({find})"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    async def close(self) -> None:
        """Close the tab as a person does."""
        await self.browser.ask("Target.closeTarget", targetId=self.target)


class Wallet:
    """An EIP-6963 wallet that is played from Python: `accounts`, `chain`, and what `send` does."""

    def __init__(self, name: str, accounts: list[str], chain: int, send: Handle, *, old: bool = False) -> None:
        self.name, self.accounts, self.chain, self.send, self.old = name, accounts, chain, send, old
        self.asked: list[tuple[str, list[Any]]] = []
        self.errors: dict[str, WalletError] = {}
        """Once for each method: what it answers instead."""
        self.tabs: list[Tab] = []
        self.revoked = asyncio.Event()
        self.others: list[str] = []
        """Accounts that the author may choose next."""

    def script(self) -> str:
        """The wallet's side in the page."""
        announce = "" if self.old else ANNOUNCE.replace("NAME", json.dumps(self.name))
        return PROVIDER + ("window.ethereum = provider;" if self.old else announce) + "})();"

    async def answer(self, method: str, params: list[Any]) -> Any:
        """What the wallet says."""
        self.asked.append((method, params))
        if error := self.errors.pop(method, None):
            raise error
        match method:
            case "eth_requestAccounts" | "eth_accounts":
                return self.accounts
            case "eth_chainId":
                return hex(self.chain)
            case "wallet_switchEthereumChain" | "wallet_addEthereumChain":
                self.chain = int(params[0]["chainId"], 16)
                return None
            case "wallet_revokePermissions" if not self.old:
                self.revoked.set()
                return None
            case "wallet_requestPermissions":
                self.accounts = self.others
                return []
            case "eth_sendTransaction":
                return await self.send(method, params)
        raise WalletError(-32601, f"there is no {method}")

    async def emit(self, event: str, value: Any) -> None:
        """Tell every page of a change, as wallets do."""
        for tab in self.tabs:
            await tab.run(f"testWallet.emit({json.dumps(event)}, {json.dumps(value)})")

    def methods(self) -> list[str]:
        """What was asked, without its parameters."""
        return [method for method, _ in self.asked]


PROVIDER = """(() => {
  const waiting = new Map(), ears = new Map(); let number = 0;
  const provider = {
    request: ({method, params}) => new Promise((resolve, reject) => {
      waiting.set(++number, {resolve, reject});
      walletAsked(JSON.stringify({id: number, method, params: params || []}));
    }),
    on: (event, act) => ears.set(event, [...(ears.get(event) || []), act]),
  };
  window.testWallet = {
    answer: (id, {result, error}) => error ? waiting.get(id).reject(error) : waiting.get(id).resolve(result),
    emit: (event, value) => (ears.get(event) || []).forEach((act) => act(value)),
  };
"""
ANNOUNCE = """
  const info = {uuid: "350670db-19fa-4704-a166-e52e178b59d2", name: NAME, icon: "data:,", rdns: "com.example"};
  const detail = Object.freeze({info: Object.freeze(info), provider});
  const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail}));
  addEventListener("eip6963:requestProvider", announce); announce();
"""


@asynccontextmanager
async def connected(endpoint: str) -> AsyncIterator[Browser]:
    """A context of its own in a running browser, closed with all its tabs."""
    async with aiohttp.ClientSession() as session, session.ws_connect(endpoint, max_msg_size=0) as socket:
        browser = Browser(socket)
        listener = asyncio.create_task(browser.listen())
        try:
            browser.context = (await browser.ask("Target.createBrowserContext"))["browserContextId"]
            yield browser
            await browser.ask("Target.disposeBrowserContext", browserContextId=browser.context)
        finally:
            for job in [listener, *browser.jobs]:
                job.cancel()
            await asyncio.gather(listener, *browser.jobs, return_exceptions=True)
