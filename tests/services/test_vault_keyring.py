from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from eth_account import Account as Accounts

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.services import vault_keyring as module
from arbius_tui.services.vault_keyring import KeyringVault, patiently
from tests import parts
from tests.services.hidden import ADDRESS, KEY, TRANSACTION, code

CLIENT = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from arbius_tui.domain.errors import Failure
    from arbius_tui.domain.secret import Secret
    from arbius_tui.services.vault_keyring import KeyringVault

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
        vault.book.path.write_text(json.dumps({"v": 1, "accounts": {"author": ADDRESS}}))
        self.backend.get_password = lambda *_: "0x" + "11" * 32
        with pytest.raises(NotReady) as raised:
            await vault.sign("author", Secret(""), TRANSACTION)
        assert code(raised) == "keyring-lost"

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"accounts":[]}', '{"accounts":5}'])
    async def test_a_damaged_index_is_said(self, vault, text):
        vault.book.path.write_text(text)
        with pytest.raises(NotReady) as raised:
            await vault.accounts()
        assert code(raised) == "keystore-damaged"
        assert vault.book.path.read_text() == text


def test_patience_ends_and_the_program_is_not_held(tmp_path):
    program = textwrap.dedent("""
        import asyncio, threading
        from arbius_tui.services.vault_keyring import patiently
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
