"""Where keys are kept: encrypted keystores (version 3 JSON), or the keyring of the operating system.

A key is read for one signature and forgotten. No frame that raises holds a key or a password in clear: such values stay
inside `Secret`, and a Failure is raised outside of the `except` block, so that nothing is chained to it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services.ports import Account, SignedTransaction
from arbius_tui.services.store import replace_file, sync_folder

T = TypeVar("T")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SCRYPT_N = 262_144
"""Scrypt's cost where the key is worth something: 0.8 s and 256 MiB (measured). The rehearsal's is 8,192."""
SCRYPT_MEMORY, PBKDF2_ROUNDS = 1 << 30, 10_000_000
"""Bytes and rounds that a keystore may ask for at most; a foreign file could ask for all there is."""

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

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the group of secp256k1; a private key is below it and above 0."""

REQUIRED = ("chainId", "nonce", "to", "value", "data", "gas", "maxFeePerGas", "maxPriorityFeePerGas")
"""What a complete EIP-1559 transaction has; nothing is filled in silently."""


class Keyring(Protocol):
    """What we use of a keyring's backend."""

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""


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


class KeyringVault:
    """Keys in the operating system's keyring; names and addresses in a file, because a keyring cannot list.

    `limit` is in seconds for each call: a locked keyring may ask its owner in a window of its own.
    """

    kind = "keyring"
    elsewhere = "the keyring may ask you to unlock it, in a window of its own"

    def __init__(self, index: Path, limit: float = 60) -> None:
        self.index = index
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
        known = await asyncio.to_thread(self._known)
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
        known = await asyncio.to_thread(self._known)
        if name not in known:
            raise no_account(name, "the keyring")
        key = await self._fetch(name)
        if key is None or await asyncio.to_thread(address_of, key) != known[name]:
            raise lost(name)
        return await asyncio.to_thread(signed, key, fields)

    async def _keep(self, name: str, key: Secret) -> Account:
        known = await asyncio.to_thread(self._known)
        if name in known:
            raise taken(name)
        address = await asyncio.to_thread(address_of, key)
        await self._ask(lambda: allowed_backend().set_password(SERVICE, name, key.reveal()))
        back = await self._fetch(name)
        if back is None or await asyncio.to_thread(address_of, back) != address:
            raise lost(name)
        await asyncio.to_thread(self._remember, {**known, name: address})
        return Account(name, address, self.kind)

    async def _fetch(self, name: str) -> Secret | None:
        def fetch() -> Secret | None:
            found = allowed_backend().get_password(SERVICE, name)
            return Secret(found) if found and re.fullmatch(r"0x[0-9a-f]{64}", found) else None

        return await self._ask(fetch)

    async def _ask(self, work: Callable[[], T]) -> T:
        """Do something with the keyring in a thread; whatever a backend raises becomes words."""
        return await ask_keyring(work, self.limit)

    def _known(self) -> dict[str, str]:
        try:
            accounts = json.loads(self.index.read_bytes())["accounts"]
            return {str(name): str(address) for name, address in accounts.items() if NAME.fullmatch(str(name))}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise damaged(self.index, type(error).__name__) from None

    def _remember(self, known: Mapping[str, str]) -> None:
        try:
            self.index.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self.index, (json.dumps({"v": 1, "accounts": known}, indent=1) + "\n").encode())
        except OSError as error:
            raise vault_not_writable(self.index, error) from None


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


def account_name(name: str) -> str:
    """The name of an account if it is one; BadInput (`account-name`) else."""
    if NAME.fullmatch(name):
        return name
    raise BadInput(
        "account-name",
        f"{clean(name)[:40]!r} cannot be the name of an account",
        why="the name is also the name of a file",
        fix="use 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or a digit",
    )


def new_key() -> Secret:
    """A private key from the system's random source."""
    while key_fault(key := Secret(secrets.token_hex(32))):
        pass
    return Secret("0x" + key.reveal())


def parsed_key(key: Secret) -> Secret:
    """A key as people paste it -> `0x` and 64 digits; BadInput (`key-malformed`) that tells its length and no more."""
    tidy = Secret("".join(key.reveal().split()).lower().removeprefix("0x"))
    if fault := key_fault(tidy):
        raise BadInput(
            "key-malformed",
            f"this is no private key: {fault}",
            why="a key that is cut or mistyped is another account, or none",
            fix="paste all 64 hexadecimal digits, with or without 0x",
        )
    return Secret("0x" + tidy.reveal())


def key_fault(key: Secret) -> str:
    """What is wrong with 64 digits, in words that hold none of them; empty when nothing is."""
    text = key.reveal()
    if len(text) != 64:
        return f"it has {len(text)} characters, a key has 64"
    if not re.fullmatch("[0-9a-f]{64}", text):
        return "it has characters other than 0-9 and a-f"
    return "" if 0 < int(text, 16) < ORDER else "no account has this number"


def address_of(key: Secret) -> str:
    """The checksum address of a key that `key_fault` found good; BadInput (`key-malformed`) for anything else."""
    from eth_account import Account as Accounts

    return str(Accounts.from_key(parsed_key(key).reveal()).address)


def encrypted(key: Secret, password: Secret, scrypt_n: int) -> bytes:
    """A keystore, version 3, scrypt."""
    from eth_account import Account as Accounts

    keystore = Accounts.encrypt(
        bytes.fromhex(key.reveal()[2:]), secret_text(password).reveal(), kdf="scrypt", iterations=scrypt_n
    )
    return (json.dumps(keystore, indent=1) + "\n").encode()


def secret_text(password: Secret) -> Secret:
    """A password that can be written as UTF-8: half a surrogate pair would end in an error that holds all of it."""
    return Secret(password.reveal().encode("utf-8", "replace").decode())


def decrypted(keystore: Mapping[str, Any], password: Secret) -> tuple[Secret | None, str]:
    """(the key, "") or (None, what went wrong); the error itself is dropped, for its frames hold the password."""
    from eth_account import Account as Accounts

    try:
        key = Accounts.decrypt({**keystore}, secret_text(password).reveal())
    except Exception as error:  # a foreign file can be wrong in every way
        return None, "MAC mismatch" if str(error) == "MAC mismatch" else type(error).__name__
    found = Secret(bytes(key).hex())
    return (None, "the key is none") if key_fault(found) else (found, "")


def absurd_cost(keystore: Mapping[str, Any]) -> str:
    """Why opening this keystore would cost too much, or empty."""
    crypto = keystore.get("crypto")
    params = crypto.get("kdfparams") if isinstance(crypto, dict) else None
    if not isinstance(crypto, dict) or not isinstance(params, dict):
        return "it has no crypto section"
    number = {key: value for key, value in params.items() if isinstance(value, int) and value > 0}
    n, r, p, c = (number.get(key, 0) for key in "nrpc")
    if crypto.get("kdf") == "scrypt":
        good = n > 1 and n & (n - 1) == 0 and r and p and 128 * n * r <= SCRYPT_MEMORY and p <= 16
    else:
        good = crypto.get("kdf") == "pbkdf2" and 0 < c <= PBKDF2_ROUNDS
    return "" if good and number.get("dklen", 0) in range(32, 65) else "it asks for too much memory or time"


def stated_address(keystore: Mapping[str, Any]) -> str:
    """The checksum address that a keystore states, empty when it states none."""
    from eth_utils.address import to_checksum_address

    text = str(keystore.get("address", "")).lower().removeprefix("0x")
    return str(to_checksum_address("0x" + text)) if re.fullmatch("[0-9a-f]{40}", text) else ""


def complete(transaction: Mapping[str, Any]) -> dict[str, Any]:
    """The transaction as EIP-1559 wants it; BadInput (`transaction-incomplete`) when a field is missing."""
    absent = [key for key in REQUIRED if transaction.get(key) is None]
    if absent or transaction.get("type", 2) not in (2, "0x2"):
        raise BadInput(
            "transaction-incomplete",
            f"the transaction to sign lacks {', '.join(absent)}" if absent else "only EIP-1559 transactions are signed",
            why="what is signed must be exactly what was shown",
            fix="build it again with Register",
        )
    return {**transaction, "type": 2}


def signed(key: Secret, transaction: dict[str, Any]) -> SignedTransaction:
    """Sign; BadInput (`transaction-invalid`) when a field cannot be what it says, e.g. another sender."""
    from eth_account import Account as Accounts

    try:
        done = Accounts.sign_transaction(transaction, key.reveal())
        return SignedTransaction(done.raw_transaction.to_0x_hex(), done.hash.to_0x_hex(), int(transaction["nonce"]))
    except Exception as error:  # eth_account and rlp each have their own
        fault = clean(f"{type(error).__name__}: {error}")[:300]
    raise BadInput(
        "transaction-invalid",
        "this transaction cannot be signed by this account",
        why="what is signed must be exactly what was shown",
        fix="build it again with Register",
        detail=fault,
    )


def create_file(path: Path, data: bytes) -> None:
    """A new file, mode 0600, whole or not at all; FileExistsError when the name is taken, also by a race."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(number)
        try:
            os.link(name, path)  # unlike a rename it never replaces a file
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            with open(path, "xb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
    finally:
        with suppress(OSError):
            os.unlink(name)
    sync_folder(path.parent)


def taken(name: str) -> BadInput:
    """A key is never replaced."""
    return BadInput(
        "account-exists",
        f"there is an account named {name} already",
        why="a key that is overwritten is gone for ever",
        fix="choose another name",
    )


def no_account(name: str, where: str) -> BadInput:
    """Nothing of that name."""
    return BadInput(
        "no-such-account", f"there is no account named {name} in {where}",
        why="it takes a key to sign", fix="look at the list: arbius-tui wallet list", command="arbius-tui wallet list",
    )  # fmt: skip


def damaged(path: Path, detail: str) -> NotReady:
    """A file that should hold an account and does not."""
    return NotReady(
        "keystore-damaged", f"{path} is no keystore that can be used",
        why="the key in it cannot be read", fix="put the file back from a backup, or use another account",
        detail=detail,
    )  # fmt: skip


def lost(name: str) -> NotReady:
    """The keyring took the key and does not give it back."""
    return NotReady(
        "keyring-lost", f"the keyring does not give back the key of {name}",
        why="without the key nothing can be signed", fix="keep the key in an encrypted keystore instead",
    )  # fmt: skip


def unavailable(code: str, what: str, detail: str = "") -> NotReady:
    """The operating system's keyring cannot be used now."""
    return NotReady(
        code, what, why="a key is kept only where it is encrypted",
        fix="unlock the keyring of your desktop, or keep the key in an encrypted keystore", detail=detail,
    )  # fmt: skip


def vault_not_writable(path: Path, error: OSError) -> NotReady:
    """The file cannot be written, and why."""
    return NotReady(
        "vault-not-writable", f"{path} cannot be written: {error.strerror}",
        why="the key must be on disk before it is used", fix="set XDG_STATE_HOME to a folder you can write to",
        detail=str(error),
    )  # fmt: skip
