"""The rehearsal's vault: a throw-away key that signs on its own chain and is worth nothing anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arbius_tui.domain.secret import Secret
from arbius_tui.services.ports import Account, SignedTransaction
from arbius_tui.services.vault_keystore import KeystoreVault

PASSWORD = Secret("rehearsal")
"""No secret: what it protects is made for one run, on a chain of its own."""

LIGHT_N = 8192
"""Scrypt's cost, 0.02 s and 8 MiB."""


class RehearsalVault(KeystoreVault):
    """Keystores like the real ones, with a password that everybody knows."""

    kind = "rehearsal"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, LIGHT_N)

    def needs_password(self) -> bool:
        """Nothing is at stake here."""
        return False

    async def create(self, name: str, password: Secret = PASSWORD) -> Account:
        """A throw-away key."""
        return await super().create(name, PASSWORD)

    async def add(self, name: str, key: Secret, password: Secret = PASSWORD) -> Account:
        """Keep a given key, for tests of known ids; it is no safer than the throw-away one."""
        return await super().add(name, key, PASSWORD)

    async def sign(self, name: str, password: Secret, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign; the given password is not looked at."""
        return await super().sign(name, PASSWORD, transaction)
