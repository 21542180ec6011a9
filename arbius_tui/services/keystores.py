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
from arbius_tui.services.keys import key_fault
from arbius_tui.services.store import sync_folder

SCRYPT_N = 262_144
"""Scrypt's cost where the key is worth something: 0.8 s and 256 MiB (measured). The rehearsal's is 8,192."""
SCRYPT_MEMORY, PBKDF2_ROUNDS = 1 << 30, 10_000_000
"""Bytes and rounds that a keystore may ask for at most; a foreign file could ask for all there is."""


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
