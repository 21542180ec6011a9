"""Keystores that other tools made, to sign from: read where they lie, never written, never moved."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import Failure, Problem
from arbius_tui.domain.secret import Secret
from arbius_tui.services.address_book import AddressBook
from arbius_tui.services.keys import NAME, address_of, complete, signed
from arbius_tui.services.keystores import opened, read_keystore, stated_address
from arbius_tui.services.signers import Account, SignedTransaction
from arbius_tui.services.vault_words import faulty, no_account

FOLDERS = {
    "foundry": (".foundry/keystores",),
    "geth": (".ethereum/keystore", "Library/Ethereum/keystore"),
    "brownie": (".brownie/accounts",),
    "ape": (".ape/accounts",),
}
"""Where tools keep their keystores, below the home folder, by the tool's name."""

MOST = 200
"""Files of a folder that are looked at."""


class FoundVault:
    """Implements `ports.Signer` and `ports.Opener` for one tool's folders. `book` remembers addresses that were seen.

    Foundry's keystores do not state their address: it is known once one was opened, and is "" until then.
    """

    elsewhere = ""

    def __init__(self, kind: str, folders: tuple[Path, ...], book: Path) -> None:
        self.kind, self.folders = kind, folders
        self.book = AddressBook(book)

    def needs_password(self) -> bool:
        """Each has its own."""
        return True

    async def accounts(self) -> tuple[Account, ...]:
        """All keystores there, by name; the address is "" where only opening it tells."""
        return await asyncio.to_thread(lambda: tuple(account for _, account, _ in self._look() if account))

    async def faults(self) -> tuple[Problem, ...]:
        """Files there that are no keystores, each as a warning."""
        return await asyncio.to_thread(lambda: tuple(problem for _, _, problem in self._look() if problem))

    async def open(self, name: str, password: Secret) -> Account:
        """Decrypt it once to see whose it is, and remember the address."""
        return await asyncio.to_thread(self._open, name, password)

    async def sign(self, name: str, password: Secret, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a complete EIP-1559 transaction."""
        fields = complete(transaction)
        return await asyncio.to_thread(lambda: signed(self._key(name, password), fields))

    def _open(self, name: str, password: Secret) -> Account:
        account = Account(name, address_of(self._key(name, password)), self.kind)
        self.book.put(mac_of(read_keystore(self._path(name), name)), account.address)
        return account

    def _key(self, name: str, password: Secret) -> Secret:
        path = self._path(name)
        return opened(read_keystore(path, name), password, path, name)

    def _path(self, name: str) -> Path:
        for path, account, _ in self._look():
            if account and account.name == name:
                return path
        raise no_account(name, ", ".join(map(str, self.folders)))

    def _look(self) -> Iterator[tuple[Path, Account | None, Problem | None]]:
        """Every file with its account, or with what is wrong with it."""
        seen, addresses = set[str](), self.book.known()
        for path in self._files():
            try:
                keystore = read_keystore(path, path.name)
                address = stated_address(keystore)
            except Failure as failure:
                yield path, None, faulty(failure)
                continue
            if "crypto" not in keystore:
                continue  # other JSON of the tool's own
            name = base = short_name(path, address)
            for number in range(2, MOST + 2):
                if name not in seen:
                    break
                name = f"{base}-{number}"
            seen.add(name)
            yield path, Account(name, address or addresses.get(mac_of(keystore), ""), self.kind), None

    def _files(self) -> list[Path]:
        found: list[Path] = []
        for folder in self.folders:
            try:
                found += sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
            except OSError:
                continue  # a tool that is not installed, or another user's folder
        return found[:MOST]


def short_name(path: Path, address: str) -> str:
    """A name to type: the file's own, or geth's `UTC--DATE--ADDRESS` as `0x12345678`."""
    if path.name.startswith("UTC--") and address:
        return address[:10].lower()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem if path.suffix == ".json" else path.name).lstrip(".-_")[:60]
    return name if NAME.fullmatch(name) else "keystore"


def mac_of(keystore: Mapping[str, Any]) -> str:
    """What tells a keystore from others: the MAC of its ciphertext under its password's key."""
    crypto = keystore.get("crypto")
    mac = crypto.get("mac") if isinstance(crypto, dict) else None
    return mac[:40].lower() if isinstance(mac, str) and re.fullmatch("[0-9a-fA-F]{64}", mac) else "-"


def found_vaults(home: Path, data: Path) -> tuple[FoundVault, ...]:
    """One vault for each tool that keeps keystores in this home folder."""
    return tuple(
        FoundVault(kind, tuple(home / folder for folder in folders), data / "found.json")
        for kind, folders in FOLDERS.items()
    )
