from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from arbius_tui.rehearsal.vault import RehearsalVault
from arbius_tui.services.ports import Account, Handover, Keeper, Sender, Signer, Vault, way
from arbius_tui.services.vault_keyring import KeyringVault
from arbius_tui.services.vault_keystore import KeystoreVault


class Looks:
    kind = "looks"

    async def accounts(self) -> tuple[Account, ...]:
        return ()


class Sends(Looks):
    async def send(self, name: str, transaction: Mapping[str, Any]) -> AsyncGenerator[Handover, None]:
        yield Handover("wallet", "sent", name)


def test_what_a_vault_can_do_is_what_it_has_methods_for(tmp_path: Path) -> None:
    keepers: list[Vault] = [KeystoreVault(tmp_path), KeyringVault(tmp_path / "i.json"), RehearsalVault(tmp_path)]
    assert [way(vault) for vault in [*keepers, Sends(), Looks()]] == ["sign"] * 3 + ["send", "watch"]
    assert all(isinstance(vault, Keeper) for vault in keepers)
    assert isinstance(Sends(), Sender)
    assert not isinstance(Sends(), Signer)


def test_the_url_with_its_token_and_the_raw_bytes_are_in_no_repr() -> None:
    assert "token" not in repr(Handover("wallet", "ask", "open this", url="http://127.0.0.1:1/#token"))
