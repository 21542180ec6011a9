"""What the wallet page and this program say to one another, and the same in words for the terminal.

The page is believed in nothing: its messages are read strictly, its texts are cleaned and cut, and what it says of an
account or a hash is compared with the chain before anything rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from arbius_tui.domain.evm import ADDRESS, checksum
from arbius_tui.domain.networks import Network, chain_title
from arbius_tui.domain.text import clean, short

HASH = re.compile(r"0x[0-9a-f]{64}")
LONGEST = 200
"""Characters of a wallet's words that are shown."""

CURRENCY = {"name": "Ether", "symbol": "ETH", "decimals": 18}
"""What gas is paid in, on all our networks."""

REPORTS: Final = frozenset(
    {
        "no-wallet",
        "wallets",
        "connecting",
        "wrong-account",
        "wrong-chain",
        "ready",
        "pending",
        "rejected",
        "refused",
        "failed",
        "unsure",
        "trouble",
    }
)
"""What the page may report while the author works in it."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the author is to do on the page: choose an account or, with a `transaction`, let the wallet send it.

    `account` must send it. `rows` are the review, label and value; `rpcs` may be told to a wallet that does not know
    the chain, so they hold no key.
    """

    network: Network
    account: str = ""
    transaction: Mapping[str, Any] | None = None
    rows: tuple[tuple[str, str], ...] = ()
    rpcs: tuple[str, ...] = ()

    @property
    def sends(self) -> bool:
        """Whether something is to be sent."""
        return self.transaction is not None


def task_json(task: Task, asked: bool) -> dict[str, Any]:
    """The task as the page gets it. Without gas, fees and nonce: the wallet knows them better."""
    found: dict[str, Any] = {
        "sends": task.sends,
        "account": task.account,
        "asked": asked,
        "rows": [list(row) for row in task.rows],
        "chain": {
            "chainId": hex(task.network.chain_id),
            "chainName": task.network.title,
            "nativeCurrency": CURRENCY,
            "rpcUrls": list(task.rpcs),
            **({"blockExplorerUrls": [task.network.explorer]} if task.network.explorer else {}),
        },
    }
    if task.transaction is not None:
        found["transaction"] = {
            "from": task.account,
            "to": task.transaction["to"],
            "data": task.transaction["data"],
            "value": hex(int(task.transaction.get("value") or 0)),
            "chainId": hex(task.network.chain_id),
        }
    return found


@dataclass(frozen=True, slots=True)
class Report:
    """One message of the page, read strictly: its `kind`, and what came with it, clean and short."""

    kind: str
    wallet: str = ""
    address: str = ""
    tx_hash: str = ""
    chain_id: int = 0
    text: str = ""
    key: str = field(default="", repr=False)
    page: str = ""


def report(message: object) -> Report | None:
    """A message of the page, or None for anything that is none."""
    if not isinstance(message, Mapping):
        return None

    def text(name: str, most: int = LONGEST) -> str:
        value = message.get(name)
        return " ".join(clean(value).split())[:most] if isinstance(value, str) else ""

    address, tx_hash, key, chain = (message.get(name) for name in ("address", "hash", "key", "chain"))
    return Report(
        text("kind", 40),
        text("wallet", 40),
        checksum(address) if isinstance(address, str) and ADDRESS.fullmatch(address) else "",
        tx_hash.lower() if isinstance(tx_hash, str) and HASH.fullmatch(tx_hash.lower()) else "",
        chain if isinstance(chain, int) and not isinstance(chain, bool) and 0 < chain < 2**53 else 0,
        text("text"),
        key if isinstance(key, str) else "",
        text("page", 40),
    )


WORDS: Final[Mapping[str, str]] = {
    "open": "the page is open in a browser",
    "second": "a second tab tried the link and was refused",
    "closed": "the tab was closed; nothing was asked of a wallet. Its link is used up, here is another",
    "lost": "the tab was closed while {wallet} was asked",
    "no-wallet": "the page finds no wallet in that browser; open the address in the one that has yours",
    "wallets": "the page lists {text}: choose yours there",
    "connecting": "{wallet} is asked which account this page may see: answer there",
    "refused": "{wallet} shows no account to the page; the page can ask again",
    "wrong-account": "{wallet} shows {address}; the review is for {account}: choose that one there",
    "wrong-chain": "{wallet} is on {chain}; the page offers the switch to {network}",
    "ready": "{wallet} has the right account: read the review on the page, and let it send",
    "asked": "{wallet} shows the transaction: sign and send it there, or reject it",
    "pending": "{wallet} has an older request open: click its icon and answer that first",
    "rejected": "rejected in {wallet}: nothing was sent; the page can ask again",
    "failed": "{wallet} did not send it: {text}",
    "unsure": "{wallet} says: {text}; look there whether anything was sent before you ask again",
    "trouble": "{wallet} says: {text}; the page can ask again",
}
"""What happens on the page, by the kind of its report, for the terminal."""


def words(said: Report, task: Task) -> str:
    """What happens on the page, in one sentence for the terminal."""
    if said.kind == "ready" and not task.sends:
        return f"{said.wallet or 'the wallet'} shows its accounts: choose yours on the page"
    return WORDS.get(said.kind, "the page goes on").format(
        wallet=said.wallet or "the wallet",
        text=said.text or "no more than that",
        address=short(said.address),
        account=task.account,
        chain=chain_title(said.chain_id),
        network=task.network.title,
    )
