"""The wallet page in a real headless Chromium, with a wallet in it that signs through anvil."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain import cid
from arbius_tui.domain.engine import MAX_TEMPLATE, model_id, register_calldata
from arbius_tui.domain.errors import BadInput, Failure, NotReady, TransactionFailed
from arbius_tui.domain.networks import NETWORKS, Network
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.browser_wallet import BrowserWallet, Limits, remote_host, rpcs
from arbius_tui.services.ports import Connector, Handover, Sender, Signer
from tests.chromium import PATIENCE, Browser, Wallet, WalletError, chromium_process, connected
from tests.parts import need
from tests.services.chains import anvil_process, ask, put_engine

AUTHOR = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
"""anvil's first account; anvil signs for it."""
OTHER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
TEMPLATE = b'{"meta":{"title":"a <b>bold</b> model"}}\n'


class Watched:
    """What a browser wallet tells, read in the background as a step reads it."""

    def __init__(self, told: AsyncGenerator[Handover, None]) -> None:
        self.told: list[Handover] = []
        self.news = asyncio.Event()
        self.task = asyncio.create_task(self.read(told))

    async def read(self, told: AsyncGenerator[Handover, None]) -> None:
        async with aclosing(told) as events:
            async for event in events:
                self.told.append(event)
                self.news.set()

    async def until(self, stage: str, count: int = 1) -> Handover:
        """The nth news of this stage."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [event for event in self.told if event.stage == stage]
                if len(found) >= count:
                    return found[count - 1]
                self.news.clear()
                waiting = asyncio.create_task(self.news.wait())
                await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if self.task.done() and not [event for event in self.told if event.stage == stage][count - 1 :]:
                    self.task.result()
                    raise AssertionError(f"it ended without {stage}: {self.stages}")

    async def end(self) -> Handover:
        """The last word; the Failure if there is none."""
        async with asyncio.timeout(PATIENCE):
            await self.task
        return self.told[-1]

    @property
    def stages(self) -> list[str]:
        return [event.stage for event in self.told]


pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    with chromium_process(need("chromium")) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(need("anvil")) as url:
        put_engine(url)
        yield url


@pytest.fixture
def anvil(node: str) -> Iterator[str]:
    """The node, set back afterwards."""
    snapshot = ask(node, "evm_snapshot")
    yield node
    ask(node, "evm_revert", snapshot)


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with connected(chromium) as found:
        yield found


@pytest.fixture
def network(anvil: str) -> Network:
    return replace(REHEARSAL, title="Test Chain", rpcs=(anvil,))


@pytest.fixture
def vault(tmp_path: Path, network: Network) -> BrowserWallet:
    return BrowserWallet(tmp_path / "browser.json", network)


def through_anvil(url: str) -> Callable[[str, list[Any]], Any]:
    async def send(method: str, params: list[Any]) -> Any:
        return await asyncio.to_thread(ask, url, method, *params)

    return send


@pytest.fixture
def wallet(anvil: str) -> Wallet:
    return Wallet("Test Wallet", [AUTHOR], REHEARSAL.chain_id, through_anvil(anvil))


def registration() -> dict[str, Any]:
    """A registration as Register quotes it."""
    return {
        "type": 2, "chainId": REHEARSAL.chain_id, "nonce": 0, "to": REHEARSAL.engine, "value": 0,
        "data": register_calldata(AUTHOR, 3_500_000_000_000_000, TEMPLATE), "gas": 200_000, "maxFeePerGas": 10**9,
        "maxPriorityFeePerGas": 0,
    }  # fmt: skip


MODEL = model_id(AUTHOR, AUTHOR, 3_500_000_000_000_000, cid.multihash(TEMPLATE))


async def known(vault: BrowserWallet) -> None:
    await asyncio.to_thread(vault.book.put, "mine", AUTHOR)


@asynccontextmanager
async def sending(vault: BrowserWallet, transaction: dict[str, Any] | None = None) -> AsyncIterator[Watched]:
    """A hand-over under way."""
    await known(vault)
    watched = Watched(vault.send("mine", transaction or registration()))
    try:
        yield watched
    finally:
        watched.task.cancel()
        await asyncio.gather(watched.task, return_exceptions=True)


def test_it_is_a_sender_and_a_connector_and_no_signer(vault: BrowserWallet) -> None:
    assert isinstance(vault, Sender)
    assert isinstance(vault, Connector)
    assert not isinstance(vault, Signer)


async def test_a_wallet_signs_and_sends_what_the_page_shows(
    browser: Browser, vault: BrowserWallet, wallet: Wallet, anvil: str
) -> None:
    async with sending(vault) as told:
        link = await told.until("waiting")
        tab = await browser.tab(link.url, wallet)
        await tab.press("Test Wallet")
        await told.until("ready")
        rows = await tab.run(
            "[...document.querySelectorAll('dt')].map(t => [t.textContent, t.nextSibling.textContent])"
        )
        shown = dict(rows)
        assert shown["call"] == "registerModel"
        assert shown["model id"] == MODEL
        assert shown["contract"] == f"{REHEARSAL.engine}, Arbius's engine"
        assert shown["from"] == AUTHOR
        assert shown["fee"] == "0.0035 AIUS a task"
        assert shown["cost"] == "at most about 0.0002 ETH; your wallet makes its own estimate"
        assert "eth_sendTransaction" not in wallet.methods()
        await tab.press("Send with Test Wallet")
        sent = await told.end()
        await asyncio.wait_for(wallet.revoked.wait(), PATIENCE)
        assert "Sent. The terminal has the hash" in await tab.status("Sent. The terminal")
        assert tab.complaints == []
        assert {request.partition("#")[0] for request in tab.requests if not request.startswith("data:")} == {
            link.url.partition("#")[0] + name for name in ("", "page.css", "page.js")
        }
    assert (sent.state, sent.address) == ("sent", AUTHOR)
    receipt = ask(anvil, "eth_getTransactionReceipt", sent.tx_hash)
    assert (receipt["status"], receipt["logs"][0]["topics"][1]) == ("0x1", MODEL)
    assert wallet.methods()[-1] == "wallet_revokePermissions"
    assert wallet.asked[-2] == (
        "eth_sendTransaction",
        [{"from": AUTHOR, "to": REHEARSAL.engine, "data": registration()["data"], "value": "0x0", "chainId": "0x7a69"}],
    )
    assert wallet.methods().count("eth_sendTransaction") == 1
    assert told.stages == ["waiting", "open", "wallets", "connecting", "ready", "ready", "asked", "sent"]


async def test_one_that_is_rejected_sends_nothing_and_can_be_asked_again(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    wallet.errors["eth_sendTransaction"] = WalletError(4001, "User rejected the request.")
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        await tab.status("You rejected it in Test Wallet. Nothing was sent.")
        assert (await told.until("rejected")).text == (
            "rejected in Test Wallet: nothing was sent; the page can ask again"
        )
        await tab.press("Ask again")
        assert (await told.end()).state == "sent"
    assert wallet.methods().count("eth_sendTransaction") == 2


async def test_one_that_is_rejected_can_be_called_off(browser: Browser, vault: BrowserWallet, wallet: Wallet) -> None:
    wallet.errors["eth_sendTransaction"] = WalletError(4001, "User rejected the request.")
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        await told.until("rejected")
        await tab.press("Call it off")
        with pytest.raises(BadInput) as refused:
            await told.end()
        await tab.status("Called off. Nothing was sent")
    assert refused.value.problem.code == "wallet-declined"


async def test_another_account_is_told_and_the_page_notices_when_it_changes(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    wallet.accounts = [OTHER]
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        said = await tab.status("choose that account")
        assert OTHER in said
        assert AUTHOR in said
        assert AUTHOR in (await told.until("wrong-account")).text
        wallet.accounts = [AUTHOR]
        await wallet.emit("accountsChanged", [AUTHOR])
        await told.until("ready")
        await tab.press("Send with Test Wallet")
        assert (await told.end()).state == "sent"


async def test_the_account_that_signs_may_be_any_that_the_wallet_shows(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    wallet.accounts, wallet.others = [OTHER], [OTHER, AUTHOR.lower()]
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Choose another account")
        await told.until("ready")


@pytest.mark.parametrize(
    "unknown",
    [
        None,
        WalletError(4902, "Unrecognized chain ID"),
        WalletError(-32603, "Internal error", {"originalError": {"code": 4902}}),
    ],
)
async def test_a_wallet_on_another_chain_is_switched_or_told_of_it(
    browser: Browser, vault: BrowserWallet, wallet: Wallet, anvil: str, unknown: WalletError | None
) -> None:
    wallet.chain = 1
    if unknown:
        wallet.errors["wallet_switchEthereumChain"] = unknown
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.status("on chain 1. The transaction belongs on Test Chain (chain 31337)")
        assert (await told.until("wrong-chain")).text == (
            "Test Wallet is on Ethereum (1); the page offers the switch to Test Chain"
        )
        await tab.press("Switch to Test Chain")
        await told.until("ready")
    added = [params for method, params in wallet.asked if method == "wallet_addEthereumChain"]
    ether = {"name": "Ether", "symbol": "ETH", "decimals": 18}
    chain = {"chainId": "0x7a69", "chainName": "Test Chain", "nativeCurrency": ether, "rpcUrls": [anvil]}
    assert added == ([[chain]] if unknown else [])
    assert "eth_sendTransaction" not in wallet.methods()


async def test_a_wallet_that_changes_chain_at_the_last_moment_is_not_asked_to_send(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await told.until("ready")
        wallet.chain = 10
        await tab.press("Send with Test Wallet")
        await told.until("wrong-chain")
    assert "asked" not in told.stages
    assert "eth_sendTransaction" not in wallet.methods()


async def test_a_request_that_waits_in_the_wallet_is_told(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    wallet.errors["eth_requestAccounts"] = WalletError(-32002, "Request already pending")
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.status("has an older request open")
        assert "click its icon" in (await told.until("pending")).text
        await tab.press("Ask again")
        await told.until("ready")


async def test_an_error_after_which_it_may_have_been_sent_is_asked_again_only_on_the_authors_word(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    wallet.errors["eth_sendTransaction"] = WalletError(-32603, "\x1b[31mthe answer\u202e was lost\x1b[0m")
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        await tab.status("Look at its list of activity before you ask again")
        unsure = (await told.until("unsure")).text
        assert "the answer was lost" in unsure
        assert unsure.isprintable()
        await tab.press("I looked: nothing was sent. Ask again")
        assert (await told.end()).state == "sent"


@pytest.mark.parametrize(
    ("error", "stage", "again"),
    [
        (WalletError(4100, "The requested account is not authorized"), "failed", "Ask again"),
        (WalletError(-32602, "Invalid parameters"), "failed", "Ask again"),
        (WalletError(-32002, "Request already pending"), "pending", "I looked: nothing was sent. Ask again"),
    ],
)
async def test_every_other_refusal_is_told_and_can_be_tried_again(
    browser: Browser, vault: BrowserWallet, wallet: Wallet, error: WalletError, stage: str, again: str
) -> None:
    wallet.errors["eth_sendTransaction"] = error
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        await told.until(stage)
        await tab.press(again)
        assert (await told.end()).state == "sent"


async def test_a_wallet_that_answers_no_hash_is_not_believed(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    async def odd(method: str, params: list[Any]) -> Any:
        return {"hash": "<b>0x12</b>"}

    wallet.send = odd
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        assert "instead of a hash" in (await told.until("unsure")).text


async def test_the_largest_template_goes_through_the_page(
    browser: Browser, vault: BrowserWallet, wallet: Wallet, anvil: str
) -> None:
    data = register_calldata(AUTHOR, 0, b"x" * MAX_TEMPLATE)
    async with sending(vault, {**registration(), "data": data}) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        sent = await told.end()
    assert ask(anvil, "eth_getTransactionByHash", sent.tx_hash)["input"] == data


async def test_the_keyboard_is_enough(browser: Browser, vault: BrowserWallet, wallet: Wallet) -> None:
    async def key(name: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            await tab.ask(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, text=text
            )

    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await told.until("wallets")
        await tab.until("document.activeElement.textContent.includes('Test Wallet')")
        await key("Enter", 13, "\r")
        await told.until("ready")
        await tab.status("Read the review")
        for _ in range(12):
            if "Send with" in await tab.run("document.activeElement.textContent"):
                break
            await key("Tab", 9)
        assert await tab.run("document.activeElement.tagName") == "BUTTON"
        await key("Enter", 13, "\r")
        assert (await told.end()).state == "sent"


async def test_stopping_the_step_while_the_wallet_is_asked_says_what_to_do_there(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    never = asyncio.Event()

    async def silent(method: str, params: list[Any]) -> Any:
        await never.wait()

    wallet.send = silent
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        await told.until("asked")
        await tab.status("shows the transaction")
        told.task.cancel()
        await tab.status("If Test Wallet still shows the transaction, reject it there")


async def test_a_closed_tab_gives_another_link_and_the_old_one_is_dead(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    async with sending(vault) as told:
        first = await told.until("waiting")
        tab = await browser.tab(first.url, wallet)
        await told.until("wallets")
        await tab.close()
        second = await told.until("waiting", 2)
        assert "the tab was closed; nothing was asked of a wallet" in second.text
        assert second.url != first.url
        replayed = await browser.tab(first.url, wallet)
        await replayed.status("This link was used already")
        again = await browser.tab(second.url, wallet)
        await again.press("Test Wallet")
        await again.press("Send with Test Wallet")
        assert (await told.end()).state == "sent"


async def test_a_tab_that_is_closed_while_the_wallet_is_asked_leaves_it_unclear(
    browser: Browser, tmp_path: Path, network: Network, wallet: Wallet
) -> None:
    vault = BrowserWallet(tmp_path / "browser.json", network, limits=Limits(grace=0.2))
    never = asyncio.Event()

    async def silent(method: str, params: list[Any]) -> Any:
        await never.wait()

    wallet.send = silent
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        await told.until("asked")
        await tab.status("shows the transaction")
        await tab.close()
        with pytest.raises(TransactionFailed) as unclear:
            await told.end()
    assert unclear.value.problem.code == "send-unclear"
    assert told.stages[-1] == "lost"


async def test_a_tab_that_is_loaded_again_goes_on(browser: Browser, vault: BrowserWallet, wallet: Wallet) -> None:
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await told.until("wallets")
        await tab.ask("Page.reload")
        await told.until("open", 2)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        assert (await told.end()).state == "sent"


async def test_a_tab_that_is_loaded_again_while_the_wallet_is_asked_does_not_ask_it_twice(
    browser: Browser, vault: BrowserWallet, wallet: Wallet, anvil: str
) -> None:
    never = asyncio.Event()

    async def silent(method: str, params: list[Any]) -> Any:
        await never.wait()

    wallet.send = silent
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        await told.until("asked")
        await tab.status("shows the transaction")
        await tab.ask("Page.reload")
        await tab.status("loaded again while your wallet was asked")
        assert wallet.methods().count("eth_sendTransaction") == 1
        wallet.send = through_anvil(anvil)
        await tab.press("I looked: nothing was sent. Start over")
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        assert (await told.end()).state == "sent"


async def test_a_second_tab_is_refused_and_the_first_goes_on(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    async with sending(vault) as told:
        link = await told.until("waiting")
        tab = await browser.tab(link.url, wallet)
        await told.until("wallets")
        second = await browser.tab(link.url, wallet)
        await second.status("This link was used already")
        assert await second.run("document.querySelectorAll('button').length") == 0
        await tab.press("Test Wallet")
        await tab.press("Send with Test Wallet")
        assert (await told.end()).state == "sent"


async def test_a_copy_of_the_tab_with_its_session_is_refused(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    async with sending(vault) as told:
        link = await told.until("waiting")
        tab = await browser.tab(link.url, wallet)
        await told.until("wallets")
        kept = await tab.run("sessionStorage.getItem('arbius-tui')")
        copy = await browser.tab(link.url.partition("#")[0] + "page.css")
        await copy.until("location.protocol === 'http:'")
        await copy.run(f"sessionStorage.setItem('arbius-tui', {kept!r})")
        await copy.go(link.url.partition("#")[0])
        await copy.status("open in another tab already")
        assert "second tab" in (await told.until("second")).text


async def test_the_token_is_gone_from_the_address_and_from_what_the_tab_keeps(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    async with sending(vault) as told:
        link = await told.until("waiting")
        tab = await browser.tab(link.url, wallet)
        await told.until("wallets")
        token = link.url.partition("#")[2]
        seen = await tab.run("location.href + JSON.stringify(sessionStorage) + document.documentElement.outerHTML")
        assert len(token) == 43
        assert token not in seen
        assert not [request for request in tab.requests if token in request.partition("#")[0]]


async def test_stopping_the_step_closes_the_page(browser: Browser, vault: BrowserWallet, wallet: Wallet) -> None:
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await told.until("wallets")
        told.task.cancel()
        await tab.status("The step in the terminal has ended. Nothing was sent.")
        assert await tab.run("document.querySelectorAll('button').length") == 0


async def test_nobody_comes(tmp_path: Path, network: Network) -> None:
    vault = BrowserWallet(tmp_path / "browser.json", network, limits=Limits(whole=0.05))
    async with sending(vault) as told:
        with pytest.raises(NotReady) as late:
            await told.end()
    assert late.value.problem.code == "wallet-timeout"


async def test_a_browser_without_a_wallet_says_so(browser: Browser, vault: BrowserWallet) -> None:
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url)
        await tab.status("No wallet answers in this browser.")
        await told.until("no-wallet")


async def test_a_wallet_from_before_eip_6963_is_found(browser: Browser, vault: BrowserWallet, wallet: Wallet) -> None:
    wallet.old = True
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await tab.press("The wallet of this browser")
        await tab.press("Send with")
        assert (await told.end()).state == "sent"


async def test_the_name_of_a_wallet_is_only_text(browser: Browser, vault: BrowserWallet, wallet: Wallet) -> None:
    wallet.name = "<img src=x onerror='document.title=1'>\u202eMeta\x1b[31m"
    async with sending(vault) as told:
        tab = await browser.tab((await told.until("waiting")).url, wallet)
        await told.until("wallets")
        assert await tab.run("document.querySelectorAll('img').length") == 0
        await tab.press("<img src=x")
        ready = await told.until("ready")
        assert ready.text.isprintable()
        assert len(ready.text) < 140


async def test_connecting_keeps_the_account_under_the_wallets_name(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    wallet.accounts = [OTHER, AUTHOR.lower()]
    told = Watched(vault.connect(""))
    tab = await browser.tab((await told.until("waiting")).url, wallet)
    await tab.press("Test Wallet")
    await tab.press(AUTHOR.lower())
    last = await told.end()
    assert (last.state, last.id, last.address) == ("connected", "test-wallet", AUTHOR)
    assert [(a.name, a.address, a.vault) for a in await vault.accounts()] == [("test-wallet", AUTHOR, "browser")]
    await tab.status("Done. The terminal goes on")
    assert (vault.book.path.stat().st_mode & 0o777) == 0o600


async def test_a_name_that_is_taken_is_refused_before_anything_is_served(vault: BrowserWallet) -> None:
    await known(vault)
    for failing in (vault.connect("mine"), vault.connect("no name"), vault.send("nobody", registration())):
        with pytest.raises(Failure):
            await anext(failing)


async def test_an_account_can_be_forgotten(vault: BrowserWallet) -> None:
    await known(vault)
    assert "the key is in your wallet" in await vault.remove("mine")
    assert await vault.accounts() == ()
    with pytest.raises(BadInput):
        await vault.remove("mine")


async def test_a_transaction_of_another_chain_is_not_handed_over(vault: BrowserWallet) -> None:
    await known(vault)
    with pytest.raises(BadInput) as refused:
        await anext(vault.send("mine", {**registration(), "chainId": 1}))
    assert refused.value.problem.code == "transaction-invalid"


async def test_the_file_that_leads_to_the_page_is_private_and_goes_with_the_step(
    browser: Browser, vault: BrowserWallet, wallet: Wallet
) -> None:
    async with sending(vault) as told:
        link = await told.until("waiting")
        page = Path(link.page)
        assert (page.stat().st_mode & 0o777, page.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert link.url not in repr(link)
        tab = await browser.tab(page.as_uri(), wallet)
        await tab.press("Test Wallet")
        await told.until("ready")
    assert not page.exists()


async def test_the_file_lies_where_browsers_can_read_it(tmp_path: Path, network: Network) -> None:
    home = tmp_path / "home"
    home.mkdir()
    async with sending(BrowserWallet(tmp_path / "browser.json", network, pages=home)) as told:
        assert Path((await told.until("waiting")).page).parent.parent == home
    assert not list(home.iterdir())


async def test_from_another_machine_the_tunnel_is_told(tmp_path: Path, network: Network) -> None:
    vault = BrowserWallet(tmp_path / "browser.json", network, remote="me@far.example")
    async with sending(vault) as told:
        link = await told.until("waiting")
    port = link.url.split(":")[2].partition("/")[0]
    assert link.tunnel == f"ssh -N -L {port}:127.0.0.1:{port} me@far.example"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"SSH_CONNECTION": "10.0.0.2 51022 10.0.0.9 22"}, "me@10.0.0.9"),
        ({"SSH_CONNECTION": "10.0.0.2"}, ""),
        ({"DISPLAY": ":0"}, ""),
    ],
)
def test_over_ssh_the_host_is_the_one_that_ssh_reached(environ: dict[str, str], wanted: str) -> None:
    assert remote_host(environ, "me") == wanted


def test_a_wallet_is_told_of_no_rpc_that_may_hold_a_key() -> None:
    one = NETWORKS["one"]
    private = replace(one, rpcs=("https://arb.example/v2/SECRET", "http://127.0.0.1:8545", one.rpcs[0]))
    assert rpcs(private) == ("http://127.0.0.1:8545", one.rpcs[0])
