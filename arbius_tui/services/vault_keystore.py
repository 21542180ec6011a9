"""Keystores in a folder of ours. A key is decrypted for one signature, in a thread, and forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.services.keys import NAME, account_name, address_of, complete, new_key, parsed_key, signed
from arbius_tui.services.keystores import SCRYPT_N, absurd_cost, create_file, decrypted, encrypted, stated_address
from arbius_tui.services.signers import Account, SignedTransaction
from arbius_tui.services.vault_words import damaged, no_account, taken, vault_not_writable


class KeystoreVault:
    """Keystores (version 3) in one folder, each `NAME.json`, mode 0600. `scrypt_n` is the cost of new ones."""

    kind = "keystore"
    elsewhere = ""

    def __init__(self, folder: Path, scrypt_n: int = SCRYPT_N) -> None:
        self.folder = folder
        self.scrypt_n = scrypt_n

    def needs_password(self) -> bool:
        """A keystore is as good as its password."""
        return True

    async def accounts(self) -> tuple[Account, ...]:
        """All keystores that say their address, by name."""
        return await asyncio.to_thread(self._list)

    async def create(self, name: str, password: Secret) -> Account:
        """A new key, written, read back and decrypted before this returns."""
        return await self._keep(account_name(name), None, password)

    async def add(self, name: str, key: Secret, password: Secret) -> Account:
        """Keep a key that the author has: 64 hexadecimal digits, with or without 0x and blanks."""
        return await self._keep(account_name(name), parsed_key(key), password)

    async def sign(self, name: str, password: Secret, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a complete EIP-1559 transaction. BadInput `wrong-password`, NotReady `keystore-damaged`."""
        return await asyncio.to_thread(self._sign, account_name(name), password, complete(transaction))

    async def _keep(self, name: str, key: Secret | None, password: Secret) -> Account:
        if self.needs_password() and not len(password):
            raise BadInput(
                "password-empty",
                "the password is empty",
                why="the password is all that stands between the file and your key",
                fix="choose a password, and keep it: nobody can reset it",
            )
        return await asyncio.to_thread(self._write, name, key if key is not None else new_key(), password)

    def _list(self) -> tuple[Account, ...]:
        found = []
        for path in sorted(path for path in self.folder.glob("*.json") if NAME.fullmatch(path.stem)):
            with suppress(BadInput, NotReady):  # a damaged file shows itself when it is used
                found.append(Account(path.stem, stated_address(self._read(path.stem)), self.kind))
        return tuple(account for account in found if account.address)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        """A keystore as JSON; BadInput `no-such-account`, NotReady `keystore-damaged`."""
        path = self._path(name)
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise no_account(name, str(self.folder)) from None
        except (OSError, ValueError, RecursionError) as error:
            raise damaged(path, type(error).__name__) from None
        if not isinstance(found, dict):
            raise damaged(path, "no JSON object")
        return {str(key).lower(): value for key, value in found.items()}  # geth of 2015 wrote `Crypto`

    def _write(self, name: str, key: Secret, password: Secret) -> Account:
        address = address_of(key)
        path = self._path(name)
        if path.exists():
            raise taken(name)
        data = encrypted(key, password, self.scrypt_n)
        try:
            create_file(path, data)
        except FileExistsError:
            raise taken(name) from None
        except OSError as error:
            raise vault_not_writable(path, error) from None
        if address_of(self._key(name, password)) != address:
            path.unlink(missing_ok=True)
            raise damaged(path, "it does not give back the key that was written")
        return Account(name, address, self.kind)

    def _key(self, name: str, password: Secret) -> Secret:
        """The decrypted key; its address is the one that the file states."""
        keystore = self._read(name)
        if cost := absurd_cost(keystore):
            raise damaged(self._path(name), cost)
        key, fault = decrypted(keystore, password)
        if fault == "MAC mismatch":
            raise BadInput(
                "wrong-password",
                f"the password does not open {name}",
                why="without the key nothing can be signed",
                fix="try again; watch caps lock and the keyboard's layout",
            )
        if key is None or stated_address(keystore) not in ("", address_of(key)):
            raise damaged(self._path(name), fault or "its address is not the key's")
        return key

    def _sign(self, name: str, password: Secret, transaction: dict[str, Any]) -> SignedTransaction:
        return signed(self._key(name, password), transaction)
