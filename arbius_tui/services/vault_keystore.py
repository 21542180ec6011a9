"""Keystores in a folder of ours. A key is decrypted for one signature, in a thread, and forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import BadInput, NotReady, Problem
from arbius_tui.domain.secret import Secret
from arbius_tui.services.keys import NAME, account_name, address_of, complete, new_key, parsed_key, signed
from arbius_tui.services.keystores import SCRYPT_N, create_file, encrypted, opened, read_keystore, stated_address
from arbius_tui.services.signers import Account, SignedTransaction
from arbius_tui.services.vault_words import damaged, faulty, no_account, taken, vault_not_writable


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
        return await asyncio.to_thread(lambda: tuple(found for found in self._look() if isinstance(found, Account)))

    async def faults(self) -> tuple[Problem, ...]:
        """Files there that are no keystores, each as a warning."""
        return await asyncio.to_thread(lambda: tuple(found for found in self._look() if isinstance(found, Problem)))

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

    def _look(self) -> Iterator[Account | Problem]:
        """Every file there as an account, or as what is wrong with it."""
        for path in sorted(path for path in self.folder.glob("*.json") if NAME.fullmatch(path.stem)):
            try:
                if not (address := stated_address(self._read(path.stem))):
                    raise damaged(path, "it states no address")
                yield Account(path.stem, address, self.kind)
            except (BadInput, NotReady) as failure:
                yield faulty(failure)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        return read_keystore(self._path(name), name)

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
        return opened(self._read(name), password, self._path(name), name)

    def _sign(self, name: str, password: Secret, transaction: dict[str, Any]) -> SignedTransaction:
        return signed(self._key(name, password), transaction)

    async def remove(self, name: str) -> str:
        """Set the keystore aside: a key is never deleted by us."""
        return await asyncio.to_thread(self._set_aside, account_name(name))

    def _set_aside(self, name: str) -> str:
        path, aside = self._path(name), self.folder / "removed"
        if not path.is_file():
            raise no_account(name, str(self.folder))
        try:
            aside.mkdir(mode=0o700, exist_ok=True)
            target = next(p for n in count() if not (p := aside / f"{name}{f'-{n}' if n else ''}.json").exists())
            path.rename(target)
        except OSError as error:
            raise vault_not_writable(path, error) from None
        return f"its keystore was set aside, still encrypted: {target}"
