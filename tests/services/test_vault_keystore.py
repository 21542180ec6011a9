from __future__ import annotations

import asyncio
import json
import secrets

import pytest
from eth_account import Account as Accounts
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.rehearsal.vault import RehearsalVault
from arbius_tui.services.keys import ORDER, REQUIRED, parsed_key
from arbius_tui.services.vault_keystore import KeystoreVault
from tests.services.hidden import ADDRESS, KEY, PASSWORD, TRANSACTION, code


@pytest.fixture
def vault(tmp_path):
    return KeystoreVault(tmp_path / "keys", scrypt_n=2)


class TestKeystore:
    async def test_an_added_key_signs_and_the_signature_is_its_own(self, vault):
        account = await vault.add("author", Secret(KEY), Secret(PASSWORD))
        assert (account.name, account.address, account.vault) == ("author", ADDRESS, "keystore")
        done = await vault.sign("author", Secret(PASSWORD), TRANSACTION)
        assert Accounts.recover_transaction(done.raw) == ADDRESS
        fields = TypedTransaction.from_bytes(HexBytes(done.raw)).as_dict()
        assert {k: fields[k] for k in ("chainId", "nonce", "gas")} == {"chainId": 31337, "nonce": 3, "gas": 200_000}
        assert done.hash == Accounts.sign_transaction(TRANSACTION, KEY).hash.to_0x_hex()
        assert done.nonce == 3
        assert done.raw not in repr(done)

    async def test_a_made_key_is_another_each_time_and_is_listed_without_a_password(self, vault):
        made = [await vault.create(name, Secret(PASSWORD)) for name in ("b", "a")]
        assert made[0].address != made[1].address
        assert await KeystoreVault(vault.folder).accounts() == (made[1], made[0])

    async def test_the_file_is_a_keystore_that_others_read(self, vault):
        await vault.add("author", Secret(KEY), Secret(PASSWORD))
        path = vault.folder / "author.json"
        assert path.stat().st_mode & 0o777 == 0o600
        assert vault.folder.stat().st_mode & 0o077 == 0
        assert [p.name for p in vault.folder.iterdir()] == ["author.json"]
        keystore = json.loads(path.read_text())
        assert keystore["version"] == 3
        assert Accounts.decrypt(keystore, PASSWORD).hex() == KEY[2:]

    async def test_the_default_cost_is_the_full_one(self, tmp_path):
        vault = KeystoreVault(tmp_path)
        await vault.add("author", Secret(KEY), Secret(PASSWORD))
        assert json.loads((tmp_path / "author.json").read_text())["crypto"]["kdfparams"]["n"] == 65_536

    @pytest.mark.parametrize("text", [KEY, KEY[2:], KEY.upper().replace("0X", "0x"), f" {KEY[:20]} {KEY[20:]}\n"])
    async def test_a_key_as_people_paste_it(self, vault, text):
        assert (await vault.add("author", Secret(text), Secret(PASSWORD))).address == ADDRESS

    @pytest.mark.parametrize(
        "text", ["", "0x", KEY[:-1], KEY + "0", KEY[:-1] + "g", "0x" + "0" * 64, "0x" + "f" * 64, hex(ORDER)]
    )
    async def test_what_is_no_key(self, vault, text):
        with pytest.raises(BadInput) as raised:
            await vault.add("author", Secret(text), Secret(PASSWORD))
        assert code(raised) == "key-malformed"
        assert await vault.accounts() == ()

    async def test_a_wrong_password(self, vault):
        await vault.add("author", Secret(KEY), Secret(PASSWORD))
        with pytest.raises(BadInput) as raised:
            await vault.sign("author", Secret("not it"), TRANSACTION)
        assert code(raised) == "wrong-password"

    async def test_an_empty_password_is_refused(self, vault):
        with pytest.raises(BadInput) as raised:
            await vault.create("author", Secret(""))
        assert code(raised) == "password-empty"

    async def test_half_a_surrogate_pair_in_a_password_is_no_crash(self, vault):
        await vault.add("author", Secret(KEY), Secret(PASSWORD + "\ud800"))
        assert (await vault.sign("author", Secret(PASSWORD + "\ud800"), TRANSACTION)).nonce == 3

    async def test_a_key_is_never_overwritten(self, vault):
        before = await vault.create("author", Secret(PASSWORD))
        with pytest.raises(BadInput) as raised:
            await vault.add("author", Secret(KEY), Secret(PASSWORD))
        assert code(raised) == "account-exists"
        assert await vault.accounts() == (before,)

    async def test_not_by_a_race_either(self, vault):
        """Both saw that the name is free; one link wins, the other is told."""
        tries = [vault.add("author", Secret(secrets.token_hex(32)), Secret(PASSWORD)) for _ in range(4)]
        ended = await asyncio.gather(*tries, return_exceptions=True)
        kept = [one for one in ended if not isinstance(one, BaseException)]
        assert len(kept) == 1
        assert all(isinstance(one, BadInput) for one in ended if one not in kept)
        assert await vault.accounts() == tuple(kept)
        assert [p.name for p in vault.folder.iterdir()] == ["author.json"]

    @pytest.mark.parametrize(
        "name", ["", ".", "..", "../x", "/etc/x", "a/b", "a b", ".hidden", "-rf", "x" * 64, "ü", "a\n"]
    )
    async def test_names_that_are_no_file_names(self, vault, name):
        for call in (vault.create(name, Secret(PASSWORD)), vault.sign(name, Secret(PASSWORD), TRANSACTION)):
            with pytest.raises(BadInput) as raised:
                await call
            assert code(raised) == "account-name"

    async def test_an_account_that_is_not_there(self, vault):
        with pytest.raises(BadInput) as raised:
            await vault.sign("nobody", Secret(PASSWORD), TRANSACTION)
        assert code(raised) == "no-such-account"

    async def test_an_address_that_was_changed_in_the_file(self, vault):
        await vault.add("author", Secret(KEY), Secret(PASSWORD))
        path = vault.folder / "author.json"
        keystore = json.loads(path.read_text())
        path.write_text(json.dumps({**keystore, "address": "00" * 20}))
        with pytest.raises(NotReady) as raised:
            await vault.sign("author", Secret(PASSWORD), TRANSACTION)
        assert code(raised) == "keystore-other-address"

    @pytest.mark.parametrize(
        "params",
        [
            {"n": 1 << 40, "r": 8, "p": 1}, {"n": 1 << 18, "r": 1 << 20, "p": 1}, {"n": 1 << 18, "r": 8, "p": 1 << 30},
            {"n": 262_143, "r": 8, "p": 1}, {"n": 0, "r": 8, "p": 1}, {"n": "262144", "r": 8, "p": 1}, {"n": -2}, {},
            {"n": 2, "r": 8, "p": 1, "dklen": 1 << 30}, {"n": 2, "r": 8, "p": 1, "dklen": 16},
        ],
    )  # fmt: skip
    async def test_absurd_costs_are_refused_before_they_cost(self, vault, params):
        await vault.add("author", Secret(KEY), Secret(PASSWORD))
        path = vault.folder / "author.json"
        keystore = json.loads(path.read_text())
        keystore["crypto"]["kdfparams"] = {"dklen": 32, "salt": "00" * 16, **params}
        path.write_text(json.dumps(keystore))
        with pytest.raises(NotReady) as raised:
            await vault.sign("author", Secret(PASSWORD), TRANSACTION)
        assert code(raised) == "keystore-damaged"

    async def test_pbkdf2_of_others_opens_and_its_cost_is_bounded(self, vault):
        keystore = Accounts.encrypt(KEY, PASSWORD, kdf="pbkdf2", iterations=10)
        vault.folder.mkdir()
        (vault.folder / "other.json").write_text(json.dumps(keystore))
        assert (await vault.sign("other", Secret(PASSWORD), TRANSACTION)).nonce == 3
        keystore["crypto"]["kdfparams"]["c"] = 1 << 40
        (vault.folder / "other.json").write_text(json.dumps(keystore))
        with pytest.raises(NotReady) as raised:
            await vault.sign("other", Secret(PASSWORD), TRANSACTION)
        assert code(raised) == "keystore-damaged"

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"crypto":5}', '{"crypto":{"kdfparams":{}}}', "[" * 5000])
    async def test_files_that_are_no_keystores(self, vault, text):
        vault.folder.mkdir()
        (vault.folder / "odd.json").write_text(text)
        assert await vault.accounts() == ()
        with pytest.raises(NotReady) as raised:
            await vault.sign("odd", Secret(PASSWORD), TRANSACTION)
        assert code(raised) == "keystore-damaged"

    @pytest.mark.parametrize("field", list(REQUIRED))
    async def test_a_transaction_with_a_hole_is_not_signed(self, vault, field):
        await vault.add("author", Secret(KEY), Secret(PASSWORD))
        with pytest.raises(BadInput) as raised:
            await vault.sign("author", Secret(PASSWORD), {k: v for k, v in TRANSACTION.items() if k != field})
        assert code(raised) == "transaction-incomplete"
        assert field in raised.value.problem.what

    @pytest.mark.parametrize("wrong", [{"type": 0}, {"from": "0x" + "00" * 20}, {"gas": -1}, {"to": "0x12"}, {"x": 1}])
    async def test_a_transaction_that_is_none(self, vault, wrong):
        await vault.add("author", Secret(KEY), Secret(PASSWORD))
        with pytest.raises(BadInput) as raised:
            await vault.sign("author", Secret(PASSWORD), {**TRANSACTION, **wrong})
        assert code(raised) in ("transaction-invalid", "transaction-incomplete")

    async def test_a_folder_that_cannot_be(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(NotReady) as raised:
            await KeystoreVault(tmp_path / "file" / "keys", 2).create("a", Secret(PASSWORD))
        assert code(raised) == "vault-not-writable"

    async def test_the_key_and_the_password_are_in_no_file_and_no_repr(self, vault, tmp_path):
        account = await vault.add("author", Secret(KEY), Secret(PASSWORD))
        done = await vault.sign("author", Secret(PASSWORD), TRANSACTION)
        everything = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        everything += repr((vault, vars(vault), account, done)).encode()
        for hidden in (KEY[2:].encode(), KEY[2:].upper().encode(), bytes.fromhex(KEY[2:]), PASSWORD.encode()):
            assert hidden not in everything

    @settings(max_examples=30)
    @given(st.integers(1, ORDER - 1))
    def test_every_key_below_the_order_is_one(self, number):
        assert parsed_key(Secret(f"{number:064X}")).reveal() == f"0x{number:064x}"


class TestRehearsal:
    async def test_it_asks_for_no_password_and_says_what_it_is(self, tmp_path):
        vault = RehearsalVault(tmp_path)
        assert not vault.needs_password()
        account = await vault.create("throw-away", Secret(""))
        assert account.vault == "rehearsal"
        done = await RehearsalVault(tmp_path).sign("throw-away", Secret(""), TRANSACTION)
        assert Accounts.recover_transaction(done.raw) == account.address
        assert await vault.accounts() == (account,)
