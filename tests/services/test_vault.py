from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import textwrap
import threading
import traceback
from pathlib import Path

import pytest
from eth_account import Account as Accounts
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.rehearsal.vault import RehearsalVault
from arbius_tui.services import vault as module
from arbius_tui.services.vault import KeyringVault, KeystoreVault, parsed_key, patiently
from tests import parts

KEY = "0x" + "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
PASSWORD = "correct horse canary staple"
TRANSACTION = {
    "type": 2, "chainId": 31337, "nonce": 3, "to": "0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66", "value": 0,
    "data": "0x1234", "gas": 200_000, "maxFeePerGas": 10**8, "maxPriorityFeePerGas": 0,
}  # fmt: skip


@pytest.fixture
def vault(tmp_path):
    return KeystoreVault(tmp_path / "keys", scrypt_n=2)


def code(raised) -> str:
    problem = raised.value.problem
    assert problem.what
    assert problem.why
    assert problem.fix
    assert_opaque(raised.value)
    return problem.code


def assert_opaque(error: BaseException) -> None:
    """Neither the key nor the password in the words, the frames' locals, or anything the error is chained to."""
    seen = [str(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    at: BaseException | None = error
    while at is not None:
        frames = traceback.walk_tb(at.__traceback__)
        seen += [repr(frame.f_locals) for frame, _ in frames if frame.f_code.co_filename != __file__]
        seen += [] if at is error else [repr(at)]
        at = at.__context__
    for text in seen:
        for hidden in (KEY[2:], KEY[2:].upper(), PASSWORD, str(int(KEY, 16)), repr(bytes.fromhex(KEY[2:]))[2:-1]):
            assert hidden not in text


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
        assert json.loads((tmp_path / "author.json").read_text())["crypto"]["kdfparams"]["n"] == 262_144

    @pytest.mark.parametrize("text", [KEY, KEY[2:], KEY.upper().replace("0X", "0x"), f" {KEY[:20]} {KEY[20:]}\n"])
    async def test_a_key_as_people_paste_it(self, vault, text):
        assert (await vault.add("author", Secret(text), Secret(PASSWORD))).address == ADDRESS

    @pytest.mark.parametrize(
        "text", ["", "0x", KEY[:-1], KEY + "0", KEY[:-1] + "g", "0x" + "0" * 64, "0x" + "f" * 64, hex(module.ORDER)]
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
        assert code(raised) == "keystore-damaged"

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

    @pytest.mark.parametrize("field", list(module.REQUIRED))
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
    @given(st.integers(1, module.ORDER - 1))
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


# -- the keyring

CLIENT = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from arbius_tui.domain.errors import Failure
    from arbius_tui.domain.secret import Secret
    from arbius_tui.services.vault import KeyringVault

    async def main(index, key, tx):
        vault = KeyringVault(Path(index), limit=10)
        print("backend", await vault.backend())
        print("added", (await vault.add("author", Secret(key), Secret(""))).address)
        made = await vault.create("made", Secret(""))
        print("list", [a.name for a in await vault.accounts()], (await vault.accounts())[0].vault)
        again = KeyringVault(Path(index))
        print("signed", (await again.sign("author", Secret(""), tx)).hash)
        try:
            await again.add("author", Secret(key), Secret(""))
        except Failure as failure:
            print(failure.problem.code)

    try:
        asyncio.run(main(sys.argv[1], sys.stdin.read().strip(), eval(sys.argv[2])))
    except Failure as failure:
        problem = failure.problem
        assert problem.why and problem.fix
        print(problem.code, "|", problem.what, "|", problem.detail)
""")


def client(index: Path, *before: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The keyring in a process of its own, with no terminal and at most 60 s."""
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHON_KEYRING_BACKEND"} | env
    argv = [*before, sys.executable, "-c", CLIENT, str(index), repr(TRANSACTION)]
    return subprocess.run(
        argv,
        input=KEY,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


def assert_hidden(folder: Path, run: subprocess.CompletedProcess[str]) -> None:
    everything = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file()) + (run.stdout + run.stderr).encode()
    for hidden in (KEY[2:].encode(), KEY[2:].upper().encode(), bytes.fromhex(KEY[2:])):
        assert hidden not in everything


@pytest.mark.real
def test_a_real_secret_service_keeps_the_key(tmp_path):
    script = parts.need("keyring")
    run = client(tmp_path / "index.json", script, "--state", str(tmp_path / "state"), "--")
    assert run.stdout.splitlines() == [
        "backend Secret Service",
        f"added {ADDRESS}",
        "list ['author', 'made'] keyring",
        f"signed {Accounts.sign_transaction(TRANSACTION, KEY).hash.to_0x_hex()}",
        "account-exists",
    ], run.stderr
    assert json.loads((tmp_path / "index.json").read_text())["accounts"]["author"] == ADDRESS
    assert (tmp_path / "index.json").stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "state").rglob("*.keyring"))
    assert_hidden(tmp_path, run)


@pytest.mark.real
@pytest.mark.parametrize("mode", ["--locked", "--wrong-password", "--no-daemon", "--no-collection"])
def test_a_real_secret_service_that_cannot(tmp_path, mode):
    script = parts.need("keyring")
    run = client(tmp_path / "index.json", script, "--state", str(tmp_path / "state"), mode, "--")
    last = run.stdout.splitlines()[-1]
    assert last.split(" | ")[0] in ("keyring-locked", "keyring-unavailable"), run.stdout + run.stderr
    assert not (tmp_path / "index.json").exists()
    assert "Traceback" not in run.stderr
    assert_hidden(tmp_path, run)


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        ("keyring.backends.null.Keyring", "keyring.backends.null"),
        ("keyring.backends.fail.Keyring", "keyring.backends.fail"),
        ("no.such.module.Keyring", "ModuleNotFoundError"),
    ],
)
def test_keyrings_that_lose_keys_are_refused(tmp_path, backend, found):
    run = client(tmp_path / "index.json", PYTHON_KEYRING_BACKEND=backend)
    assert run.stdout.startswith("keyring-unavailable | ")
    assert found in run.stdout
    assert run.stderr == ""
    assert not (tmp_path / "index.json").exists()


class Chain:
    """What keyring makes of several backends."""

    def __init__(self, *modules: str) -> None:
        self.backends = [type("Keyring", (), {"__module__": module})() for module in modules]


@pytest.mark.parametrize(
    ("modules", "chosen"),
    [
        (["keyrings.alt.file", "keyring.backends.SecretService"], "keyring.backends.SecretService"),
        (["keyring.backends.kwallet", "keyring.backends.libsecret"], "keyring.backends.kwallet"),
        (["keyrings.alt.file", "keyrings.alt.Gnome"], ""),
        (["keyring.backends.null"], ""),
        ([], ""),
    ],
)
def test_in_a_chain_only_a_good_keyring_is_taken(monkeypatch, modules, chosen):
    monkeypatch.setattr("keyring.backends.chainer.ChainerBackend", Chain)
    monkeypatch.setattr("keyring.get_keyring", lambda: Chain(*modules))
    if chosen:
        assert type(module.allowed_backend()).__module__ == chosen
        return
    with pytest.raises(NotReady) as raised:
        module.allowed_backend()
    assert code(raised) == "keyring-unavailable"


class Forgetful:
    """A keyring that takes a key and does not have it."""

    def set_password(self, service, username, password):
        assert password

    def get_password(self, service, username):
        return None


class TestKeyring:
    @pytest.fixture
    def vault(self, tmp_path, monkeypatch):
        self.backend = Forgetful()
        monkeypatch.setattr(module, "allowed_backend", lambda: self.backend)
        return KeyringVault(tmp_path / "index.json", limit=0.5)

    async def test_a_silent_loss_is_found_at_once(self, vault):
        with pytest.raises(NotReady) as raised:
            await vault.add("author", Secret(KEY), Secret(""))
        assert code(raised) == "keyring-lost"
        assert await vault.accounts() == ()

    async def test_a_backend_that_raises_with_the_key_in_its_words_frames(self, vault):
        def refuse(service, username, password):
            raise EOFError("asked on the terminal")

        self.backend.set_password = refuse
        with pytest.raises(NotReady) as raised:
            await vault.add("author", Secret(KEY), Secret(""))
        assert code(raised) == "keyring-unavailable"
        assert raised.value.__context__ is None

    async def test_a_prompt_nobody_answers_ends(self, vault):
        answered = threading.Event()
        self.backend.set_password = lambda *_: answered.wait(30)
        try:
            with pytest.raises(NotReady) as raised:
                await vault.add("author", Secret(KEY), Secret(""))
        finally:
            answered.set()
        assert code(raised) == "keyring-timeout"

    async def test_another_key_under_the_name_signs_nothing(self, vault):
        vault.index.write_text(json.dumps({"v": 1, "accounts": {"author": ADDRESS}}))
        self.backend.get_password = lambda *_: "0x" + "11" * 32
        with pytest.raises(NotReady) as raised:
            await vault.sign("author", Secret(""), TRANSACTION)
        assert code(raised) == "keyring-lost"

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"accounts":[]}', '{"accounts":5}'])
    async def test_a_damaged_index_is_said(self, vault, text):
        vault.index.write_text(text)
        with pytest.raises(NotReady) as raised:
            await vault.accounts()
        assert code(raised) == "keystore-damaged"
        assert vault.index.read_text() == text


def test_patience_ends_and_the_program_is_not_held(tmp_path):
    program = textwrap.dedent("""
        import asyncio, threading
        from arbius_tui.services.vault import patiently
        async def main():
            try:
                await patiently(threading.Event().wait, 0.1)
            except TimeoutError:
                print("late")
        asyncio.run(main())
    """)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert (run.stdout, run.stderr, run.returncode) == ("late\n", "", 0)


async def test_patience_gives_what_came_in_time():
    assert await patiently(lambda: 5, 10) == 5
    with pytest.raises(KeyError):
        await patiently(lambda: {}["x"], 10)
