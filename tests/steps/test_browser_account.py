"""The account of a browser wallet, taken by the step and by the command, through the page in Chromium."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.events import Found, Trouble
from arbius_tui.domain.records import WalletRecord
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.browser_wallet import BrowserWallet
from arbius_tui.services.ports import Services
from arbius_tui.services.signers import Account, Handover
from arbius_tui.steps.base import Walk
from arbius_tui.steps.browser_account import ConnectBrowser
from tests.chromium import PATIENCE, Browser, Wallet, chromium_process, connected
from tests.parts import need
from tests.steps.conftest import Author, collect, end

pytestmark = pytest.mark.real

MINE = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PROGRAM = str(Path(sys.executable).with_name("arbius-tui"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    with chromium_process(need("chromium")) as endpoint:
        yield endpoint


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with connected(chromium) as found:
        yield found


@pytest.fixture
def wallet() -> Wallet:
    async def never(method: str, params: list[Any]) -> Any:
        raise AssertionError("nothing is sent here")

    return Wallet("MetaMask", [MINE.lower()], 1, never)


async def choose(browser: Browser, wallet: Wallet, url: str) -> None:
    """What the author does on the page."""
    tab = await browser.tab(url, wallet)
    await tab.press("MetaMask")
    await tab.press(MINE.lower())
    await tab.status("Done. The terminal goes on")


async def test_the_wallet_step_takes_the_account_that_is_chosen_on_the_page(
    browser: Browser, wallet: Wallet, walk: Walk, tmp_path: Path
) -> None:
    walk.services = replace(walk.services, vaults=(BrowserWallet(tmp_path / "browser.json", REHEARSAL),), fund=None)
    author, seen = Author(account="browser"), list[Account]()
    async with asyncio.timeout(PATIENCE):
        async for event in walk.run("wallet", author):
            item = event.item if isinstance(event, Found) else None
            if isinstance(item, Handover) and item.url:
                job = asyncio.create_task(choose(browser, wallet, item.url))
            seen += [item] if isinstance(item, Account) else []
        await job
    assert seen[0] == Account("metamask", MINE, "browser")
    assert walk.journey.get(WalletRecord) == WalletRecord("metamask", MINE, "browser")
    assert "eth_sendTransaction" not in wallet.methods()


async def test_in_the_rehearsal_there_is_no_browser_wallet(walk: Walk, services: Services) -> None:
    events = await collect(walk, "wallet", step=ConnectBrowser())
    assert end(events).exit == 2
    assert [event.problem.code for event in events if isinstance(event, Trouble)] == ["no-browser-wallet"]


@pytest.mark.parametrize(("name", "wanted"), [("", "metamask"), ("work", "work")])
async def test_the_command_prints_the_address_and_ends_with_the_account(
    browser: Browser, wallet: Wallet, tmp_path: Path, name: str, wanted: str
) -> None:
    homes = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "DATA", "CONFIG", "CACHE")}
    argv = [PROGRAM, "wallet", "browser", *([name] if name else []), "--network", "sepolia", "--json"]
    env = {**os.environ, **homes, "HOME": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, env=env, cwd=tmp_path)
    assert process.stdout is not None
    events: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(2 * PATIENCE):
            async for row in process.stdout:
                events.append(json.loads(row))
                if events[-1].get("stage") == "waiting":
                    await choose(browser, wallet, events[-1]["url"])
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert code == 0, events
    assert events[-1]["result"] == {"accounts": [{"name": wanted, "address": MINE, "kind": "browser"}]}
    kept = json.loads((tmp_path / "data" / "arbius-tui" / "browser.json").read_text())
    assert kept["accounts"] == {wanted: MINE}
