"""Addresses whose keys are elsewhere: they can look, and another device signs what they write."""

from __future__ import annotations

import asyncio
from pathlib import Path

from arbius_tui.domain.evm import parse_address
from arbius_tui.services.address_book import AddressBook
from arbius_tui.services.keys import account_name
from arbius_tui.services.signers import Account


class WatchVault:
    """Implements `ports.Watcher`: names and addresses in one file."""

    kind = "watch"

    def __init__(self, index: Path) -> None:
        self.book = AddressBook(index)

    async def accounts(self) -> tuple[Account, ...]:
        """All of them, by name."""
        known = await asyncio.to_thread(self.book.known)
        return tuple(Account(name, known[name], self.kind) for name in sorted(known))

    async def watch(self, name: str, address: str) -> Account:
        """Remember an address; BadInput `account-exists`, `account-name`, `address..`."""
        account = Account(account_name(name), parse_address(address), self.kind)
        await asyncio.to_thread(self.book.add, account.name, account.address)
        return account

    async def remove(self, name: str) -> str:
        """Forget the address."""
        await asyncio.to_thread(self.book.remove, account_name(name), "the list of watched addresses")
        return "only its address was kept here; the key is where it was"
