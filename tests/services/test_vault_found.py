from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as Accounts

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.services.address_book import AddressBook
from arbius_tui.services.ports import Inspected, Keeper, Opener, Remover, Signer, Watcher, way
from arbius_tui.services.vault_found import FoundVault, found_vaults
from arbius_tui.services.vault_keystore import KeystoreVault
from arbius_tui.services.vault_watch import WatchVault
from tests.services.hidden import ADDRESS, KEY, PASSWORD, TRANSACTION, code

OTHER = "0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA168"


def keystore(**change: Any) -> str:
    made: dict[str, Any] = Accounts.encrypt(KEY, PASSWORD, iterations=2)
    return json.dumps({k: v for k, v in {**made, **change}.items() if v is not None})


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file there with its bytes and when it was written."""
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    foundry, geth = tmp_path / "home/.foundry/keystores", tmp_path / "home/.ethereum/keystore"
    foundry.mkdir(parents=True)
    geth.mkdir(parents=True)
    (foundry / "deployer").write_text(keystore(address=None))  # as `cast wallet import` writes it: no address
    (geth / f"UTC--2026-01-02T03-04-05.6Z--{ADDRESS[2:].lower()}").write_text(keystore())
    return tmp_path / "home"


@pytest.fixture
def vaults(home: Path, tmp_path: Path) -> dict[str, FoundVault]:
    return {vault.kind: vault for vault in found_vaults(home, tmp_path / "data")}


class TestFound:
    async def test_they_sign_from_where_they_lie_and_nothing_there_changes(
        self, home: Path, vaults: dict[str, FoundVault]
    ) -> None:
        before = tree(home)
        os.chmod(home / ".ethereum/keystore", 0o500)
        (account,) = await vaults["geth"].accounts()
        assert (account.name, account.address, account.vault) == ("0x2c7536e3", ADDRESS, "geth")
        done = await vaults["geth"].sign(account.name, Secret(PASSWORD), TRANSACTION)
        assert Accounts.recover_transaction(done.raw) == ADDRESS
        assert tree(home) == before

    async def test_foundry_tells_no_address_until_one_is_opened(self, vaults: dict[str, FoundVault]) -> None:
        vault = vaults["foundry"]
        assert [(a.name, a.address) for a in await vault.accounts()] == [("deployer", "")]
        assert (await vault.open("deployer", Secret(PASSWORD))).address == ADDRESS
        assert [(a.name, a.address) for a in await vault.accounts()] == [("deployer", ADDRESS)]
        assert PASSWORD not in vault.book.path.read_text()
        assert KEY[2:] not in vault.book.path.read_text()

    async def test_tools_that_are_not_there(self, tmp_path: Path) -> None:
        assert [await v.accounts() for v in found_vaults(tmp_path / "nobody", tmp_path)] == [()] * 4

    async def test_what_each_can_do(self, vaults: dict[str, FoundVault], tmp_path: Path) -> None:
        vault = vaults["foundry"]
        assert isinstance(vault, Signer)
        assert isinstance(vault, Opener)
        assert isinstance(vault, Inspected)
        assert not isinstance(vault, Keeper)
        assert not isinstance(vault, Remover)
        assert way(WatchVault(tmp_path / "w")) == "watch"

    async def test_broken_files_are_said_and_other_json_is_not_ours(
        self, home: Path, vaults: dict[str, FoundVault]
    ) -> None:
        folder = home / ".foundry/keystores"
        for name, text in {
            "cut": keystore()[:50],
            "list": "[]",
            "empty": "",
            "huge": "x" * 70_000,
            "conf": "{}",
        }.items():
            (folder / name).write_text(text)
        (folder / ".hidden").write_text("no")
        (folder / "folder").mkdir()
        (folder / "gone").symlink_to("/no/such/file")
        assert [a.name for a in await vaults["foundry"].accounts()] == ["deployer"]
        faults = await vaults["foundry"].faults()
        assert sorted(p.what.split("/")[-1].split()[0] for p in faults) == ["cut", "empty", "huge", "list"]
        assert {p.severity for p in faults} == {"warn"}

    async def test_a_file_that_lies_about_its_address(self, home: Path, vaults: dict[str, FoundVault]) -> None:
        (home / ".foundry/keystores/liar").write_text(keystore(address=OTHER[2:].lower()))
        for work in (
            vaults["foundry"].sign("liar", Secret(PASSWORD), TRANSACTION),
            vaults["foundry"].open("liar", Secret(PASSWORD)),
        ):
            with pytest.raises(NotReady) as raised:
                await work
            assert code(raised) == "keystore-other-address"
            assert OTHER in raised.value.problem.what
            assert ADDRESS in raised.value.problem.what

    async def test_a_wrong_password_and_a_name_that_is_not_there(self, vaults: dict[str, FoundVault]) -> None:
        with pytest.raises(BadInput) as raised:
            await vaults["foundry"].open("deployer", Secret("no"))
        assert code(raised) == "wrong-password"
        with pytest.raises(BadInput) as raised:
            await vaults["foundry"].sign("nobody", Secret(PASSWORD), TRANSACTION)
        assert code(raised) == "no-such-account"

    async def test_names_that_are_none_and_names_that_are_the_same(
        self, home: Path, vaults: dict[str, FoundVault]
    ) -> None:
        for name in ("my key.json", "my-key", "\u00fc", "..x"):
            (home / ".foundry/keystores" / name).write_text(keystore())
        names = [a.name for a in await vaults["foundry"].accounts()]
        assert sorted(names) == ["deployer", "keystore", "my-key", "my-key-2"]
        assert (await vaults["foundry"].sign("my-key-2", Secret(PASSWORD), TRANSACTION)).nonce == 3


@pytest.mark.parametrize(
    ("params", "figure"),
    [
        ({"n": 1 << 24, "r": 8, "p": 1}, "16384 MiB"), ({"n": 1 << 18, "r": 1 << 10, "p": 1}, "32768 MiB"),
        ({"n": 1 << 18, "r": 8, "p": 999}, "999 times"), ({"n": 262_143, "r": 8, "p": 1}, "power of two"),
        ({"n": 2, "r": 8, "p": 1, "dklen": 1 << 30}, "1073741824"), ({"n": True, "r": 8, "p": 1}, "power of two"),
    ],
)  # fmt: skip
async def test_absurd_parameters_are_refused_with_the_figure(
    tmp_path: Path, params: dict[str, int], figure: str
) -> None:
    found = json.loads(keystore())
    found["crypto"]["kdfparams"] = {"dklen": 32, "salt": "00" * 16, **params}
    (tmp_path / "odd.json").write_text(json.dumps(found))
    with pytest.raises(NotReady) as raised:
        await KeystoreVault(tmp_path).sign("odd", Secret(PASSWORD), TRANSACTION)
    assert code(raised) == "keystore-damaged"
    assert figure in raised.value.problem.detail


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ({"version": 4}, "version 4"), ({"version": None}, "version None"),
        ({"crypto": {"kdf": "argon2", "kdfparams": {"dklen": 32}}}, "argon2"),
        ({"crypto": {"kdf": "pbkdf2", "kdfparams": {"dklen": 32, "c": 10**9}}}, "1000000000 rounds"),
        ({"crypto": {"kdf": "pbkdf2", "kdfparams": {"dklen": 32}}}, "no number"), ({"crypto": []}, "no crypto"),
    ],
)  # fmt: skip
async def test_other_keystores_are_refused_with_what_they_are(
    tmp_path: Path, change: dict[str, Any], figure: str
) -> None:
    (tmp_path / "odd.json").write_text(json.dumps({**json.loads(keystore()), **change}))
    with pytest.raises(NotReady) as raised:
        await KeystoreVault(tmp_path).sign("odd", Secret(PASSWORD), TRANSACTION)
    assert figure in raised.value.problem.detail


async def test_a_damaged_keystore_of_ours_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "nobody.json").write_text(keystore(address=None))
    vault = KeystoreVault(tmp_path)
    assert await vault.accounts() == ()
    assert [problem.code for problem in await vault.faults()] == ["keystore-damaged"] * 2


async def test_a_keystore_that_is_removed_is_set_aside_and_can_be_put_back(tmp_path: Path) -> None:
    vault = KeystoreVault(tmp_path, scrypt_n=2)
    for _ in range(2):
        await vault.add("author", Secret(KEY), Secret(PASSWORD))
        assert "set aside" in await vault.remove("author")
        assert await vault.accounts() == ()
    aside = sorted(p.name for p in (tmp_path / "removed").iterdir())
    assert aside == ["author-1.json", "author.json"]
    assert Accounts.decrypt(json.loads((tmp_path / "removed/author.json").read_text()), PASSWORD).hex() == KEY[2:]
    with pytest.raises(BadInput) as raised:
        await vault.remove("author")
    assert code(raised) == "no-such-account"


async def test_while_a_key_is_decrypted_at_full_cost_the_loop_goes_on(tmp_path: Path) -> None:
    """scrypt with n = 2^18 lets go of the GIL: a screen's frames go on, hundreds of turns of the loop."""
    vault = KeystoreVault(tmp_path)
    await vault.add("author", Secret(KEY), Secret(PASSWORD))
    turns, work = 0, asyncio.create_task(vault.sign("author", Secret(PASSWORD), TRANSACTION))
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert (await work).nonce == 3
    assert turns > 20


class TestWatch:
    async def test_an_address_is_remembered_and_forgotten(self, tmp_path: Path) -> None:
        vault = WatchVault(tmp_path / "watch.json")
        assert isinstance(vault, Watcher)
        account = await vault.watch("cold", f" {OTHER.lower()} ")
        assert (account.address, account.vault) == (OTHER, "watch")
        assert await WatchVault(tmp_path / "watch.json").accounts() == (account,)
        assert await vault.remove("cold")
        assert await vault.accounts() == ()

    @pytest.mark.parametrize(
        ("name", "address", "wanted"),
        [("cold", OTHER, "account-exists"), ("../x", OTHER, "account-name"), ("a", OTHER[:-1], "address-length"),
         ("a", OTHER[:-1] + "9", "address-checksum")],
    )  # fmt: skip
    async def test_what_is_refused(self, tmp_path: Path, name: str, address: str, wanted: str) -> None:
        vault = WatchVault(tmp_path / "watch.json")
        await vault.watch("cold", OTHER)
        with pytest.raises(BadInput) as raised:
            await vault.watch(name, address)
        assert code(raised) == wanted

    async def test_many_at_once_lose_none(self, tmp_path: Path) -> None:
        """Each opens the file for itself, as processes do."""
        await asyncio.gather(*(WatchVault(tmp_path / "w.json").watch(f"n{n}", OTHER) for n in range(12)))
        assert len(await WatchVault(tmp_path / "w.json").accounts()) == 12

    @pytest.mark.parametrize(
        "text", ["", "[]", '{"accounts": 5}', '{"accounts": {"a": "0x12"}}', '{"accounts": {"a": 5}}']
    )
    async def test_a_damaged_list_is_said_and_not_replaced(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "w.json").write_text(text)
        for work in (WatchVault(tmp_path / "w.json").accounts(), WatchVault(tmp_path / "w.json").watch("a", OTHER)):
            with pytest.raises(Failure) as raised:
                await work
            assert code(raised) == "keystore-damaged"
        assert (tmp_path / "w.json").read_text() == text

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(NotReady) as raised:
            AddressBook(tmp_path / "file" / "x.json").add("a", OTHER)
        assert code(raised) in ("vault-not-writable", "keystore-damaged")
