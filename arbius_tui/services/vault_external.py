"""Accounts of another program on this machine: Clef signs for us, Frame signs and sends.

Their keys never come here. Both ask their owner, in a window of their own, for every account list and every signature.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from arbius_tui.domain import engine
from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.transactions import (
    SignedTransaction,
    Unsigned,
    address,
    decode_signed,
    differences,
    differs,
    hexadecimal,
    number,
)
from arbius_tui.services import signer_rpc
from arbius_tui.services.address_book import AddressBook
from arbius_tui.services.keys import account_name, complete
from arbius_tui.services.signer_rpc import RpcError, call, checked_url
from arbius_tui.services.signers import Account, Handover
from arbius_tui.services.vault_words import no_account, taken

PATIENCE = 600.0
"""Seconds that the owner of a signer has for an answer."""
QUICK = 5.0
"""Seconds for what no owner is asked."""
FIRST = 20
"""Accounts of one signer that are remembered."""


class External:
    """What both have in common: a file of names, addresses and URLs, and how accounts are asked for."""

    kind = ""
    title = ""
    probe, listing = "", ""

    def __init__(self, book: Path, patience: float = PATIENCE) -> None:
        self.book = AddressBook(book)
        self.patience = patience

    async def accounts(self) -> tuple[Account, ...]:
        """Those that it has told us before; it is not asked now."""
        known = await asyncio.to_thread(self.book.known)
        return tuple(Account(name, known[name], self.kind) for name in sorted(known))

    async def speaks(self, url: str) -> bool:
        """Whether what answers there is of this kind."""
        try:
            await call(checked_url(url), self.probe, [], QUICK)
        except RpcError as error:
            return error.code == signer_rpc.UNAUTHORIZED
        return True

    async def connect(self, name: str) -> AsyncGenerator[Handover, None]:
        """Ask the signer of the account of this name again; BadInput `no-such-account`."""
        url = await self._url(name)
        async for step in self._found(url):
            yield step

    async def connect_to(self, name: str, url: str) -> AsyncGenerator[Handover, None]:
        """Ask for its accounts and remember them as `name`, `name-2`, .."""
        where = checked_url(url)
        names = iter([account_name(name), *(account_name(f"{name}-{n}") for n in range(2, FIRST + 1))])
        known = await asyncio.to_thread(self.book.known)
        if name in known:
            raise taken(name)
        async for step in self._found(where):
            if step.state == "connected":
                await asyncio.to_thread(self.book.add, next(n for n in names if n not in known), step.address, where)
            yield step

    async def remove(self, name: str) -> str:
        """Forget the address."""
        await asyncio.to_thread(self.book.remove, account_name(name), self.title)
        return f"only its address was kept here; the key is in {self.title}"

    async def _found(self, url: str) -> AsyncGenerator[Handover, None]:
        yield Handover("accounts", "ask", f"allow arbius-tui to see your accounts, in {self.title}'s own window")
        fault: Failure | None = None
        found: Any = None
        try:
            found = await call(url, self.listing, [], self.patience)
        except RpcError as error:
            fault = signer_rpc.refused(error, 0)
        if fault:
            raise fault
        accounts = found if isinstance(found, list) else []
        addresses = []
        for item in accounts[:FIRST]:
            with suppress(ValueError):
                addresses.append(address(item))
        if not addresses:
            raise NotReady(
                "signer-empty", f"{self.title} has no account for us",
                why="somebody must sign", fix="make or unlock an account there, and allow it to be seen",
            )  # fmt: skip
        for one in dict.fromkeys(addresses):
            yield Handover("accounts", "connected", f"{self.title} has {one}", address=one)

    async def _url(self, name: str) -> str:
        notes = await asyncio.to_thread(self.book.notes)
        if account_name(name) not in notes:
            raise no_account(name, self.title)
        return checked_url(notes[name])

    async def _asked(self, name: str, transaction: Mapping[str, Any]) -> tuple[str, Unsigned]:
        """Where to ask, and for what exactly."""
        known = await asyncio.to_thread(self.book.known)
        return await self._url(name), Unsigned.of(known[name], complete(transaction))


class ClefVault(External):
    """Implements `ports.Signer`: Clef (or whatever speaks its external API) gives raw bytes, which are compared."""

    kind, title = "signer", "Clef"
    probe, listing = "account_version", "account_list"
    elsewhere = "approve it in Clef's own window"

    def needs_password(self) -> bool:
        """It asks for its own."""
        return False

    async def sign(self, name: str, password: Secret, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Ask for a signature and compare what comes back, field by field."""
        url, asked = await self._asked(name, transaction)
        fields = {key: value for key, value in asked.rpc().items() if key != "type"} | {"from": asked.sender}
        fault: Failure | None = None
        found: Any = None
        try:
            found = await call(url, "account_signTransaction", [fields, *method_of(asked.data)], self.patience)
        except RpcError as error:
            fault = signer_rpc.refused(error, asked.chain_id)
        if fault:
            raise fault
        return await asyncio.to_thread(compared, found, asked)


class FrameVault(External):
    """Implements `ports.Sender`: Frame, or another wallet that speaks EIP-1193 over HTTP, signs and sends by itself."""

    kind, title = "frame", "Frame"
    probe, listing = "eth_chainId", "eth_requestAccounts"

    async def send(self, name: str, transaction: Mapping[str, Any]) -> AsyncGenerator[Handover, None]:
        """Look at its chain, hand over, and give the hash that it says."""
        url, asked = await self._asked(name, transaction)
        await self._right_chain(url, asked.chain_id)
        yield Handover("wallet", "ask", f"confirm the transaction in {self.title}'s own window")
        keys = ("to", "data", "value", "chainId", "gas")
        fields = {key: asked.rpc()[key] for key in keys} | {"from": asked.sender}
        fault: Failure | None = None
        found: Any = None
        try:
            found = await call(url, "eth_sendTransaction", [fields], self.patience)
        except RpcError as error:
            fault = signer_rpc.refused(error, asked.chain_id)
        except NotReady as failure:
            never = failure.problem.code == "signer-unreachable" and "ConnectError" in failure.problem.detail
            fault = failure if never else signer_rpc.unclear(failure.problem.what)
        if fault:
            raise fault
        if not isinstance(found, str) or len(found) != 66 or not is_hex(found):
            raise signer_rpc.unclear(f"{self.title} answered no hash")
        yield Handover("wallet", "sent", f"{self.title} says that it was sent", tx_hash=found.lower())

    async def _right_chain(self, url: str, chain_id: int) -> None:
        """Ask it to switch where it can; BadInput `signer-wrong-chain` if it stands on another chain after that."""
        with suppress(RpcError, NotReady):
            await call(url, "wallet_switchEthereumChain", [{"chainId": hex(chain_id)}], self.patience)
        try:
            found = number(await call(url, "eth_chainId", [], QUICK))
        except (RpcError, ValueError):
            found = 0
        if found != chain_id:
            raise signer_rpc.wrong_chain(chain_id, f"it is on chain {found}" if found else "it does not say which")


def method_of(data: str) -> list[str]:
    """The engine's function that this calldata calls, as Clef's second argument; without it Clef refuses the data."""
    signatures = (engine.signature(name) for name in engine.FUNCTIONS)
    return [one for one in signatures if engine.selector(one) == data[:10].lower()]


def is_hex(text: str) -> bool:
    """Whether it is 0x and whole bytes."""
    try:
        return text.startswith("0x") and bool(hexadecimal(text))
    except ValueError:
        return False


def compared(found: object, asked: Unsigned) -> SignedTransaction:
    """The raw transaction in Clef's answer, if it is what was asked; BadInput `signed-..` names what is not."""
    raw = found.get("raw") if isinstance(found, dict) else found
    if not isinstance(raw, str) or not is_hex(raw):
        raise BadInput(
            "signed-unreadable", "the signer gave back no signed transaction",
            why="what is sent must be exactly what was reviewed; nothing was sent",
            fix="look in its own window; try again, or sign with another account",
        )  # fmt: skip
    unsigned, signed = decode_signed(bytes.fromhex(raw[2:]))
    if names := differences(asked, unsigned):
        raise differs(names, asked, unsigned)
    return signed
