"""Keys in the operating system's keyring: only real back ends, never a silent loss, never a call without an end."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services.address_book import AddressBook
from arbius_tui.services.keys import account_name, address_of, complete, new_key, parsed_key, signed
from arbius_tui.services.signers import Account, SignedTransaction
from arbius_tui.services.vault_words import found_again, lost, no_account, taken, unavailable

T = TypeVar("T")

SERVICE = "arbius-tui"
"""Under this name the operating system's keyring lists our keys."""

BACKENDS = {
    "keyring.backends.SecretService": "Secret Service",
    "keyring.backends.libsecret": "libsecret",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "macOS Keychain",
    "keyring.backends.Windows": "Windows Credential Locker",
}
"""Keyrings that encrypt and never ask on the terminal. All others (null, fail, keyrings.alt) are refused."""


class Keyring(Protocol):
    """What we use of a keyring's backend."""

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""


class KeyringVault:
    """Keys in the operating system's keyring; names and addresses in a file, because a keyring cannot list.

    `limit` is in seconds for each call: a locked keyring may ask its owner in a window of its own.
    """

    kind = "keyring"
    elsewhere = "the keyring may ask you to unlock it, in a window of its own"

    def __init__(self, index: Path, limit: float = 60) -> None:
        self.book = AddressBook(index)
        self.limit = limit

    def needs_password(self) -> bool:
        """The keyring asks for its own."""
        return False

    async def backend(self) -> str:
        """The name of the keyring in use, for the screen; NotReady (`keyring-unavailable`) when there is none."""
        found = await self._ask(allowed_backend)
        return BACKENDS[type(found).__module__]

    async def accounts(self) -> tuple[Account, ...]:
        """All accounts that the index knows; the keyring is not asked."""
        known = await asyncio.to_thread(self.book.known)
        return tuple(Account(name, known[name], self.kind) for name in sorted(known))

    async def create(self, name: str, password: Secret) -> Account:
        """A new key; the password is not used."""
        return await self._keep(account_name(name), new_key())

    async def add(self, name: str, key: Secret, password: Secret) -> Account:
        """Keep a key that the author has; the password is not used."""
        return await self._keep(account_name(name), parsed_key(key))

    async def sign(self, name: str, password: Secret, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a complete EIP-1559 transaction; NotReady `keyring-lost` when the keyring has the key no more."""
        name, fields = account_name(name), complete(transaction)
        known = await asyncio.to_thread(self.book.known)
        if name not in known:
            raise no_account(name, "the keyring")
        key = await self._fetch(name)
        if key is None or await asyncio.to_thread(address_of, key) != known[name]:
            raise lost(name)
        return await asyncio.to_thread(signed, key, fields)

    async def _keep(self, name: str, key: Secret) -> Account:
        known = await asyncio.to_thread(self.book.known)
        if name in known:
            raise taken(name)
        address = await asyncio.to_thread(address_of, key)
        if (before := await self._fetch(name)) is not None:
            await self._found_again(name, before)
        await self._ask(lambda: lasting(allowed_backend()).set_password(SERVICE, name, key.reveal()))
        back = await self._fetch(name)
        if back is None or await asyncio.to_thread(address_of, back) != address:
            raise lost(name)
        await asyncio.to_thread(self.book.add, name, address)
        return Account(name, address, self.kind)

    async def _found_again(self, name: str, key: Secret) -> NoReturn:
        """A key that our list has lost: it is put on the list again, and never replaced."""
        address = await asyncio.to_thread(address_of, key)
        await asyncio.to_thread(self.book.add, name, address)
        raise found_again(name, address)

    async def remove(self, name: str) -> str:
        """Delete the key from the keyring, then forget its address."""
        known = await asyncio.to_thread(self.book.known)
        if account_name(name) not in known:
            raise no_account(name, "the keyring")
        if await self._fetch(name) is not None:
            await self._ask(lambda: allowed_backend().delete_password(SERVICE, name))
        await asyncio.to_thread(self.book.remove, name, "the keyring")
        return "its key was deleted from the keyring"

    async def _fetch(self, name: str) -> Secret | None:
        def fetch() -> Secret | None:
            found = allowed_backend().get_password(SERVICE, name)
            return Secret(found) if found and re.fullmatch(r"0x[0-9a-f]{64}", found) else None

        return await self._ask(fetch)

    async def _ask(self, work: Callable[[], T]) -> T:
        """Do something with the keyring in a thread; whatever a backend raises becomes words."""
        return await ask_keyring(work, self.limit)


async def ask_keyring(work: Callable[[], T], limit: float = 60) -> T:
    """Do something with the keyring in a thread; whatever a backend raises is a NotReady in words."""
    try:
        return await patiently(work, limit)
    except NotReady:
        raise
    except TimeoutError:
        fault = unavailable("keyring-timeout", f"the keyring did not answer within {limit:g} s")
    except Exception as error:  # every backend has its own: EOFError, DBus, ctypes
        locked = type(error).__name__ == "KeyringLocked"
        detail = clean(f"{type(error).__name__}: {error}")
        words = "the keyring is locked and was not unlocked" if locked else "the keyring refused"
        fault = unavailable("keyring-locked" if locked else "keyring-unavailable", words, detail)
    raise fault


async def patiently(work: Callable[[], T], limit: float) -> T:
    """Do blocking work in a daemon thread for at most `limit` seconds (TimeoutError).

    Unlike `asyncio.to_thread`: a call that hangs for ever does not keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if future.done() else outcome())

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # goes to whoever waits
            fault = error
            settle(lambda: future.set_exception(fault))
        else:
            settle(lambda: future.set_result(result))

    threading.Thread(target=run, daemon=True, name="patiently").start()
    async with asyncio.timeout(limit):
        return await future


def lasting(backend: Keyring) -> Keyring:
    """The same, unless what it is given is gone after the next login; NotReady (`keyring-fleeting`)."""
    preferred = getattr(backend, "get_preferred_collection", None)
    if preferred is None:
        return backend
    collection = preferred()
    try:
        path = str(collection.collection_path)
    finally:
        collection.connection.close()
    if path.endswith("/session"):
        raise unavailable("keyring-fleeting", "this keyring forgets everything when you log out")
    return backend


def allowed_backend() -> Keyring:
    """The keyring in use, or the first good one of a chain; NotReady (`keyring-unavailable`) when none may be used."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    found = keyring.get_keyring()
    chain = list(found.backends) if isinstance(found, ChainerBackend) else [found]
    for backend in chain:
        if type(backend).__module__ in BACKENDS:
            chosen: Keyring = backend
            return chosen
    names = ", ".join(type(backend).__module__ for backend in chain) or "none"
    raise unavailable("keyring-unavailable", "this machine has no keyring that keeps a key safely", f"found: {names}")
