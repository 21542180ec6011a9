"""A registration through the browser wallet: the wizard, the page in Chromium, a wallet that signs through anvil."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.engine import register_calldata
from arbius_tui.domain.events import Done, Event, Found
from arbius_tui.domain.records import WalletRecord
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.browser_wallet import BrowserWallet, Limits
from arbius_tui.services.signers import Handover
from tests import parts
from tests.chromium import PATIENCE, Browser, Tab, Wallet, WalletError, chromium_process, connected
from tests.screens.still import still
from tests.screens.test_frame import lines, shown, until
from tests.screens.test_steps_b import wizard, work
from tests.services.chains import ETHER, anvil_process, ask, put_engine
from tests.steps.conftest import Author
from tests.steps.registering import AUTHOR, TEMPLATE, Desk, codes, desk, end

pytestmark = pytest.mark.real

PREDICTED = Desk.predicted
PROGRAM = str(Path(sys.executable).with_name("arbius-tui"))


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        ask(url, "anvil_impersonateAccount", AUTHOR)
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    with chromium_process(parts.need("chromium")) as endpoint:
        yield endpoint


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with connected(chromium) as found:
        yield found


@pytest.fixture
def wallet(node: str) -> Wallet:
    async def send(method: str, params: list[Any]) -> Any:
        return await asyncio.to_thread(ask, node, method, *params)

    return Wallet("Test Wallet", [AUTHOR], REHEARSAL.chain_id, send)


@asynccontextmanager
async def at_the_desk(node: str, folder: Path, limits: Limits | None = None) -> AsyncIterator[Desk]:
    """The journey before step 9, its account in a browser wallet."""
    vault = BrowserWallet(folder / "browser.json", REHEARSAL, limits=limits)
    vault.book.put("mine", AUTHOR)
    async with desk(node, folder) as found:
        found.walk.services = replace(found.walk.services, vaults=(vault,))
        await found.walk.save(WalletRecord("mine", AUTHOR, "browser"))
        yield found


class Registering:
    """Step 9 in the background, and the page that it asks for."""

    def __init__(self, desk: Desk, browser: Browser, wallet: Wallet) -> None:
        self.desk, self.browser, self.wallet = desk, browser, wallet
        self.events: list[Event] = []
        self.links: asyncio.Queue[str] = asyncio.Queue()
        self.task = asyncio.create_task(self.run())

    async def run(self) -> list[Event]:
        author = Author(addr=AUTHOR, fee="0.0035", confirm=PREDICTED[-4:])
        async for event in self.desk.walk.run("register", author):
            self.events.append(event)
            if isinstance(event, Found) and isinstance(event.item, Handover) and event.item.url:
                self.links.put_nowait(event.item.url)
        return self.events

    async def page(self) -> Tab:
        """The page, its wallet chosen."""
        async with asyncio.timeout(PATIENCE):
            link = asyncio.create_task(self.links.get())
            await asyncio.wait({link, self.task}, return_when=asyncio.FIRST_COMPLETED)
            assert link.done(), self.events[-3:]
        tab = await self.browser.tab(link.result(), self.wallet)
        await tab.press("Test Wallet")
        return tab

    async def end(self) -> Done:
        async with asyncio.timeout(PATIENCE):
            return end(await self.task)


async def test_a_model_is_registered_by_a_wallet_in_the_browser(
    node: str, browser: Browser, wallet: Wallet, tmp_path: Path
) -> None:
    async with at_the_desk(node, tmp_path) as before:
        step = Registering(before, browser, wallet)
        tab = await step.page()
        record = before.record
        assert record is not None
        journaled = (record.state, record.model_id, record.tx_hash)
        assert journaled == ("handed", PREDICTED, ""), "before the wallet is asked"
        assert PREDICTED in await tab.run("document.body.innerText")
        await tab.press("Send with Test Wallet")
        done = await step.end()
        record = before.record
        assert record is not None
        assert (done.ok, record.state, record.mined_id, record.raw) == (True, "mined", PREDICTED, "")
        assert (before.models(), before.nonce()) == ([PREDICTED], 1)
        await tab.status("Sent. The terminal has the hash")


async def test_what_is_called_off_on_the_page_can_be_done_later(
    node: str, browser: Browser, wallet: Wallet, tmp_path: Path
) -> None:
    wallet.errors["eth_sendTransaction"] = WalletError(4001, "User rejected the request.")
    async with at_the_desk(node, tmp_path) as before:
        step = Registering(before, browser, wallet)
        tab = await step.page()
        await tab.press("Send with Test Wallet")
        await tab.press("Call it off")
        assert (await step.end()).ok is False
        assert codes(step.events) == ["wallet-declined"]
        assert (before.models(), before.nonce()) == ([], 0)
        again = Registering(before, browser, wallet)
        await (await again.page()).press("Send with Test Wallet")
        assert (await again.end()).ok
        assert (before.models(), before.nonce()) == ([PREDICTED], 1)


async def test_a_hash_that_was_lost_with_its_tab_is_found_on_the_chain(
    node: str, browser: Browser, wallet: Wallet, tmp_path: Path
) -> None:
    approved, sent, plain = asyncio.Event(), asyncio.Event(), wallet.send

    async def late(method: str, params: list[Any]) -> Any:
        await approved.wait()
        found = await plain(method, params)
        sent.set()
        return found

    wallet.send = late
    async with at_the_desk(node, tmp_path, Limits(grace=0.1)) as before:
        step = Registering(before, browser, wallet)
        tab = await step.page()
        await tab.press("Send with Test Wallet")
        await tab.status("shows the transaction")
        await tab.close()
        assert (await step.end()).exit == 9
        assert codes(step.events) == ["send-unclear"]
        approved.set()
        await asyncio.wait_for(sent.wait(), PATIENCE)
        again = Registering(before, browser, wallet)
        assert (await again.end()).ok
        record = before.record
        assert record is not None
        assert (record.state, record.mined_id) == ("mined", PREDICTED)
        assert (before.models(), before.nonce(), wallet.methods().count("eth_sendTransaction")) == ([PREDICTED], 1, 1)


async def test_a_wallet_that_sends_something_else_is_found_out(
    node: str, browser: Browser, wallet: Wallet, tmp_path: Path
) -> None:
    plain = wallet.send

    async def other(method: str, params: list[Any]) -> Any:
        return await plain(method, [{**params[0], "data": register_calldata(AUTHOR, 1, TEMPLATE)}])

    wallet.send = other
    async with at_the_desk(node, tmp_path) as before:
        step = Registering(before, browser, wallet)
        await (await step.page()).press("Send with Test Wallet")
        assert (await step.end()).exit == 9
        assert codes(step.events) == ["claim-differs"]


async def test_a_page_that_names_another_transaction_is_not_believed(
    node: str, browser: Browser, wallet: Wallet, tmp_path: Path
) -> None:
    async with at_the_desk(node, tmp_path) as before:
        theirs = {"from": AUTHOR, "to": AUTHOR, "value": "0x1"}
        elsewhere = str(await asyncio.to_thread(ask, node, "eth_sendTransaction", theirs))

        async def lying(method: str, params: list[Any]) -> Any:
            return elsewhere

        wallet.send = lying
        step = Registering(before, browser, wallet)
        await (await step.page()).press("Send with Test Wallet")
        assert (await step.end()).exit == 9
        assert codes(step.events) == ["claim-differs"]
        assert before.models() == []


async def test_on_the_screen_the_address_stands_in_place_of_the_review(
    node: str, browser: Browser, wallet: Wallet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with at_the_desk(node, tmp_path) as before, at_step(before) as pilot:
        app: Any = pilot.app
        await work(pilot, "enter")
        await work(pilot, "enter")
        await work(pilot, *"0.0035", "enter")
        await work(pilot, *PREDICTED[-4:], "enter")
        await until(pilot, lambda: "http://127.0.0.1:" in shown(app))
        await still(pilot)
        await pilot.press("o")
        await until(pilot, lambda: "no browser here" in shown(app))
        link = app.screen.copied()
        assert link in shown(app)
        tab = await browser.tab(link, wallet)
        await tab.press("Test Wallet")
        await until(pilot, lambda: "Test Wallet has the right account" in shown(app))
        await still(pilot)
        assert link not in shown(app)
        await tab.press("Send with Test Wallet")
        await until(pilot, lambda: not app.screen.running)
        await still(pilot)
        assert "registered" in lines(app)[-3]
        assert before.models() == [PREDICTED]


def at_step(before: Desk) -> Any:
    """The wizard at step 9."""
    store: Any = before.walk.store
    return wizard(store, before.walk.services, "register")


async def test_the_command_prints_the_address_and_waits(
    node: str, browser: Browser, wallet: Wallet, tmp_path: Path
) -> None:
    """`arbius-tui register --json` as a process of its own, with a real Kubo for the pin."""
    data, template = tmp_path / "data" / "arbius-tui", tmp_path / "template.json"
    template.write_bytes(TEMPLATE)
    BrowserWallet(data / "browser.json", REHEARSAL).book.put("mine", AUTHOR)
    snapshot = ask(node, "evm_snapshot")
    ask(node, "anvil_setBalance", AUTHOR, hex(ETHER))
    where = ("--network", "sepolia", "--rpc", node, "--chain-id", str(REHEARSAL.chain_id), "--engine", REHEARSAL.engine)
    argv = [
        PROGRAM, "register", "--template", str(template), "--from", "mine", "--fee", "0.0035", "--confirm",
        PREDICTED[-4:], *where, "--ipfs", parts.need("kubo")["rpc1"], "--json",
    ]  # fmt: skip
    homes = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "DATA", "CONFIG", "CACHE")}
    env = {**os.environ, **homes, "HOME": str(tmp_path), "SSH_CONNECTION": "10.0.0.2 51022 10.0.0.9 22", "USER": "me"}
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, env=env, cwd=tmp_path)
    assert process.stdout is not None
    events: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(2 * PATIENCE):
            async for row in process.stdout:
                event = json.loads(row)
                events.append(event)
                if event.get("stage") == "waiting":
                    assert event["tunnel"].endswith(" me@10.0.0.9")
                    tab = await browser.tab(event["url"], wallet)
                    await tab.press("Test Wallet")
                    await tab.press("Send with Test Wallet")
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        ask(node, "evm_revert", snapshot)
    assert code == 0, events[-3:]
    assert events[-1]["result"]["model_id"] == PREDICTED
    stages = [event["stage"] for event in events if event.get("kind") == "handover"]
    assert stages == ["waiting", "open", "wallets", "connecting", "ready", "ready", "asked", "sent"]
    token = next(event["url"] for event in events if event.get("stage") == "waiting").partition("#")[2]
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert kept == [], "the token is shown and never kept"
