"""Encrypted keystores (version 3 JSON): written, read and opened; a foreign one may be wrong in every way."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services.keys import address_of, key_fault
from arbius_tui.services.store import sync_folder
from arbius_tui.services.vault_words import damaged, no_account, not_made, other_address, wrong_password

SCRYPT_N = 65_536
"""Scrypt's cost (r=8, p=1) where the key is worth something: 0.2 s and 64 MiB for each guess, measured.

It is eight times geth's light keystore and a quarter of its standard one, which takes 0.8 s and 256 MiB: more than the
rest of a registration. Keystores of others keep their own cost. The rehearsal's is 8,192.
"""
SCRYPT_MEMORY, SCRYPT_TIMES, PBKDF2_ROUNDS = 1 << 30, 16, 10_000_000
"""Bytes, p and rounds that a keystore may ask for at most; a foreign file could ask for all there is."""

LONGEST = 1 << 16
"""Bytes of a keystore; they have some 500."""


def parsed(data: bytes, path: Path) -> dict[str, Any]:
    """A keystore's JSON with its first names in lower case; NotReady `keystore-damaged`."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(path, type(error).__name__) from None
    if not isinstance(found, dict):
        raise damaged(path, "no JSON object")
    return {str(key).lower(): value for key, value in found.items()}  # geth of 2015 wrote `Crypto`


def read_keystore(path: Path, name: str) -> dict[str, Any]:
    """A keystore from its file; BadInput `no-such-account`, NotReady `keystore-damaged`."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except FileNotFoundError:
        raise no_account(name, str(path.parent)) from None
    except OSError as error:
        raise damaged(path, error.strerror or type(error).__name__) from None
    if len(data) > LONGEST:
        raise damaged(path, f"it has more than {LONGEST} bytes")
    return parsed(data, path)


def opened(keystore: Mapping[str, Any], password: Secret, path: Path, name: str) -> Secret:
    """The decrypted key (0x..), whose address is the one that the file states if it states one.

    BadInput `wrong-password`, NotReady `keystore-damaged` and `keystore-other-address`. It takes seconds of a thread.
    """
    if cost := absurd_cost(keystore):
        raise damaged(path, cost)
    key, fault = decrypted(keystore, password)
    if fault == MAC:
        raise wrong_password(name)
    if key is None:
        raise damaged(path, fault)
    stated, real = stated_address(keystore), address_of(key)
    if stated not in ("", real):
        raise other_address(path, stated, real)
    return Secret("0x" + key.reveal())


MAC = "MAC mismatch"
"""What eth_keyfile says when the password is another one."""


def encrypted(key: Secret, password: Secret, scrypt_n: int) -> bytes:
    """A keystore, version 3, scrypt; NotReady `keystore-not-made` without the error itself, which may hold the key."""
    from eth_account import Account as Accounts

    try:
        raw = bytes.fromhex(key.reveal()[2:])
        keystore = Accounts.encrypt(raw, secret_text(password).reveal(), kdf="scrypt", iterations=scrypt_n)
        return (json.dumps(keystore, indent=1) + "\n").encode()
    except Exception as error:  # out of memory, above all
        fault = type(error).__name__
    raise not_made(fault)


def secret_text(password: Secret) -> Secret:
    """A password that can be written as UTF-8: half a surrogate pair would end in an error that holds all of it."""
    return Secret(password.reveal().encode("utf-8", "replace").decode())


def decrypted(keystore: Mapping[str, Any], password: Secret) -> tuple[Secret | None, str]:
    """(the key, "") or (None, what went wrong); the error itself is dropped, for its frames hold the password."""
    from eth_account import Account as Accounts

    try:
        key = Accounts.decrypt({**keystore}, secret_text(password).reveal())
    except Exception as error:  # a foreign file can be wrong in every way
        return None, MAC if str(error) == MAC else type(error).__name__
    found = Secret(bytes(key).hex())
    return (None, "the key is none") if key_fault(found) else (found, "")


def absurd_cost(keystore: Mapping[str, Any]) -> str:
    """Why opening this keystore is refused before it costs anything, with the figure; empty when it is not."""
    crypto = keystore.get("crypto")
    params = crypto.get("kdfparams") if isinstance(crypto, dict) else None
    if keystore.get("version") != 3:
        return f"it is of version {clean(str(keystore.get('version')))[:20]}; only version 3 holds an account's key"
    if not isinstance(crypto, dict) or not isinstance(params, dict):
        return "it has no crypto section"
    dklen = whole(params, "dklen")
    if not 32 <= dklen <= 64:
        return f"dklen is {dklen or 'missing'}; it is 32 in every keystore"
    match crypto.get("kdf"):
        case "scrypt":
            return scrypt_fault(*(whole(params, key) for key in "nrp"))
        case "pbkdf2":
            return pbkdf2_fault(whole(params, "c"))
        case other:
            return f"its key derivation is {clean(str(other))[:20]!r}, neither scrypt nor pbkdf2"


def pbkdf2_fault(rounds: int) -> str:
    """What is absurd about PBKDF2's rounds, with the figure."""
    if not rounds:
        return "pbkdf2's c is no number"
    return f"pbkdf2 asks for {rounds} rounds; {PBKDF2_ROUNDS} are allowed" if rounds > PBKDF2_ROUNDS else ""


def whole(params: Mapping[str, Any], key: str) -> int:
    """A number above 0 from a foreign file, or 0."""
    value = params.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def scrypt_fault(n: int, r: int, p: int) -> str:
    """What is absurd about scrypt's parameters, with the figure."""
    if n < 2 or n & (n - 1) or not r or not p:
        return "scrypt's n is no power of two, or r or p is missing"
    if 128 * n * r > SCRYPT_MEMORY:
        return (
            f"scrypt with n {n} and r {r} asks for {128 * n * r >> 20} MiB of memory; {SCRYPT_MEMORY >> 20} are allowed"
        )
    return f"scrypt with p {p} asks for {p} times the work; {SCRYPT_TIMES} are allowed" if p > SCRYPT_TIMES else ""


def stated_address(keystore: Mapping[str, Any]) -> str:
    """The checksum address that a keystore states, empty when it states none."""
    from eth_utils.address import to_checksum_address

    text = str(keystore.get("address", "")).lower().removeprefix("0x")
    return str(to_checksum_address("0x" + text)) if re.fullmatch("[0-9a-f]{40}", text) else ""


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
