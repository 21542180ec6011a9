"""A wallet in the author's browser (MetaMask, Rabby, any that announces itself by EIP-6963): the key never leaves it.

A page on 127.0.0.1 shows what is asked and asks the wallet. The address of an account is remembered in a file; a hash
that the wallet says is a claim, and the chain is asked for the transaction behind it.
"""

from __future__ import annotations

import asyncio
import html
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from arbius_tui.domain.errors import BadInput, Failure, NotReady, TransactionFailed
from arbius_tui.domain.evm import ADDRESS
from arbius_tui.domain.networks import Network
from arbius_tui.domain.text import clean
from arbius_tui.domain.wallet_page import Report, Task, words
from arbius_tui.services.address_book import AddressBook
from arbius_tui.services.browser_http import serving
from arbius_tui.services.browser_visit import ANSWERS, Visit
from arbius_tui.services.keys import account_name
from arbius_tui.services.signers import Account, Handover
from arbius_tui.services.vault_words import no_account, taken

LIMIT = 600.0
"""Seconds that the author has to answer."""
GRACE = 15.0
"""Seconds in which a tab that went away while the wallet was asked may come back, e.g. loaded again."""

START = "open this address in the browser that has your wallet"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for the whole, and for a tab to come back."""

    whole: float = LIMIT
    grace: float = GRACE


class BrowserWallet:
    """Implements Vault, Connector, Sender and Remover. `book` is the file that keeps names and addresses.

    `remote` is `user@host` of this machine when the terminal is somewhere else, for a tunnel; empty when it is not.
    `pages` is a folder that browsers can read, for the file that leads to the page; None takes the one for such files.
    """

    kind = "browser"

    def __init__(
        self, book: Path, network: Network, remote: str = "", pages: Path | None = None, limits: Limits | None = None
    ) -> None:
        self.book, self.network, self.remote, self.pages = AddressBook(book), network, remote, pages
        self.limits = limits or Limits()

    async def accounts(self) -> tuple[Account, ...]:
        """All accounts that a wallet showed us, by name; no browser is asked."""
        known = await asyncio.to_thread(self.book.known)
        return tuple(Account(name, known[name], self.kind) for name in sorted(known))

    async def connect(self, name: str) -> AsyncGenerator[Handover, None]:
        """Let the author choose an account on the page and keep its address; without a name it gets the wallet's."""
        known = await asyncio.to_thread(self.book.known)
        if name and account_name(name) in known:
            raise taken(name)
        async with aclosing(self.visited(Task(self.network, rpcs=rpcs(self.network)))) as visited:
            async for said, news in visited:
                if said is None or said.kind != "chosen":
                    yield news
                    continue
                name = name or free_name(said, known)
                await asyncio.to_thread(self.book.put, name, said.address)
                text = f"{said.wallet or 'the wallet'} gives {said.address}"
                yield Handover(name, "connected", text, address=said.address, stage=said.kind)

    async def remove(self, name: str) -> str:
        """Forget the address; the wallet is not asked, and goes on showing it to its pages until it is told there."""
        await asyncio.to_thread(self.book.remove, name, "a browser wallet")
        return "only its address was kept here; the key is in your wallet"

    async def send(self, name: str, transaction: Mapping[str, Any]) -> AsyncGenerator[Handover, None]:
        """See Sender. The page shows the review that it reads from the very calldata that it hands over."""
        known = await asyncio.to_thread(self.book.known)
        if name not in known:
            raise no_account(name, "a browser wallet")
        task = await asyncio.to_thread(task_of, self.network, known[name], transaction)
        async with aclosing(self.visited(task)) as visited:
            async for said, news in visited:
                if said is None or said.kind != "sent":
                    yield news
                    continue
                text = f"{said.wallet or 'the wallet'} says that it sent {said.tx_hash}"
                yield Handover(name, "sent", text, address=known[name], tx_hash=said.tx_hash, stage=said.kind)

    async def visited(self, task: Task) -> AsyncGenerator[tuple[Report | None, Handover], None]:
        """Everything that happens until the page has an answer; a Failure says why there is none."""
        visit = Visit(task)
        async with opened(visit) as origin, launcher(self.pages) as page:
            yield None, self.invitation(origin, visit, page, START)
            ends, back = monotonic() + self.limits.whole, float("inf")
            while True:
                try:
                    async with asyncio.timeout(max(min(ends, back) - monotonic(), 0)):
                        said = await visit.news.get()
                except TimeoutError:
                    raise unanswered(visit, self.limits.whole) from None
                if said.kind == "declined":
                    raise declined(visit)
                if said.kind in ("lost", "open"):
                    back = monotonic() + self.limits.grace if said.kind == "lost" else float("inf")
                if said.kind == "closed":
                    yield said, self.invitation(origin, visit, page, words(said, task))
                else:
                    yield said, Handover("page", "line", words(said, task), stage=said.kind)
                if said.kind in ANSWERS:
                    return

    def invitation(self, origin: str, visit: Visit, page: Path, text: str) -> Handover:
        """The link of this visit, a file that leads there, and the tunnel from another machine."""
        url = f"{origin}/#{visit.token}"
        page.write_text(redirect(url), encoding="utf-8")
        port = urlsplit(origin).port
        tunnel = f"ssh -N -L {port}:127.0.0.1:{port} {self.remote}" if self.remote else ""
        return Handover("page", "ask", text, url=url, page=str(page), tunnel=tunnel, stage="waiting")


@asynccontextmanager
async def opened(visit: Visit) -> AsyncIterator[str]:
    """The page behind its server; the origin. At the end the tab is told and nothing listens any more."""
    async with serving(visit.talk) as origin:
        try:
            yield origin
        finally:
            await visit.end()


@asynccontextmanager
async def launcher(pages: Path | None) -> AsyncIterator[Path]:
    """A file for this user alone that leads to the page, so that its token is in no program's arguments."""
    with tempfile.TemporaryDirectory(prefix="arbius-wallet-", dir=pages, ignore_cleanup_errors=True) as folder:
        page = Path(folder) / "open-wallet-page.html"
        page.touch(mode=0o600)
        yield page


def remote_host(environ: Mapping[str, str], user: str) -> str:
    """`user@host` of this machine as ssh reached it; empty where the terminal is on this machine."""
    parts = environ.get("SSH_CONNECTION", "").split()
    return f"{user}@{clean(parts[2])}" if len(parts) == 4 else ""


def redirect(url: str) -> str:
    """A page that goes to another."""
    target = html.escape(url)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<title>arbius-tui</title><meta http-equiv="refresh" content="0; url={target}">'
        f'<p><a href="{target}">Go to the wallet page of arbius-tui</a></p></html>\n'
    )


def task_of(network: Network, sender: str, transaction: Mapping[str, Any]) -> Task:
    """What the page is to do with this transaction; BadInput `transaction-invalid` for one of another chain."""
    from arbius_tui.domain.calldata_rows import rows

    data, to, chain = transaction.get("data"), transaction.get("to"), transaction.get("chainId")
    if chain != network.chain_id or not ADDRESS.fullmatch(str(to)) or not re.fullmatch("0x(?:[0-9a-f]{2})*", str(data)):
        raise BadInput(
            "transaction-invalid",
            "this transaction cannot be handed to a browser wallet",
            why=f"it must say what to call on {network.title} (chain {network.chain_id})",
            fix="build it again with Register",
            detail=f"chain {chain}, to {to}"[:200],
        )
    return Task(network, sender, transaction, rows(transaction, sender, network), rpcs(network))


def rpcs(network: Network) -> tuple[str, ...]:
    """RPCs that a wallet may be told of: those that everybody knows, and local ones; another may have a key in it."""
    from arbius_tui.domain.networks import NETWORKS

    public = {url for known in NETWORKS.values() for url in known.rpcs}
    local = {"127.0.0.1", "localhost", "::1"}
    return tuple(url for url in network.rpcs if url in public or urlsplit(url).hostname in local)


def free_name(said: Report, known: Mapping[str, str]) -> str:
    """A name for an account: the one that it has, else the wallet's with a number where that is taken."""
    for name, address in known.items():
        if address == said.address:
            return name
    base = re.sub(r"[^a-z0-9]+", "-", said.wallet.lower()).strip("-")[:24] or "browser"
    names = (base, *(f"{base}-{number}" for number in range(2, len(known) + 3)))
    return next(name for name in names if name not in known)


def unanswered(visit: Visit, limit: float) -> Failure:
    """Nobody answered in time, or the tab is gone and with it the answer."""
    if visit.asked:
        return TransactionFailed(
            "send-unclear",
            f"{visit.wallet or 'the wallet'} was asked to send, and its answer did not come",
            why="the page was closed or forgotten while the wallet showed the transaction: it may have been sent",
            fix="look at the wallet's list of activity, then run this step again: it looks on the chain first",
        )
    return NotReady(
        "wallet-timeout",
        f"nothing was answered on the wallet page within {limit:.0f} s",
        why="the page closes by itself, so that it is not forgotten; nothing was sent",
        fix="run this step again and open the new link",
    )


def declined(visit: Visit) -> BadInput:
    """The author gave up on the page."""
    return BadInput(
        "wallet-declined",
        "it was called off on the wallet page",
        why="nothing was sent" if visit.task.sends else "no account was chosen",
        fix="run this step again when you want to go on",
    )
