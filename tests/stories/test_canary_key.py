"""A known key goes in by every way there is, and something breaks each time: after that it is written nowhere."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as Accounts
from textual import events

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.journey import Journey
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.world import Settings, open_world
from arbius_tui.steps.base import Walk
from arbius_tui.widgets.ask import ConsentPane
from tests import parts
from tests.screens.test_steps_b import settle, shown, until
from tests.services.hidden import ADDRESS, KEY

PASSWORD = "correct horse canary staple"

BREAKS = (
    "arbius_tui.services.keys.key_fault",
    "arbius_tui.steps.account_ways.address_of",
    "arbius_tui.services.vault_keystore.encrypted",
    "arbius_tui.services.vault_keystore.create_file",
    "arbius_tui.services.vault_keystore.opened",
    "eth_account.account.Account.encrypt",
)
"""Where something is made to break: before the key is understood, at its address, and all the way to the disk."""

CHILD = """
import importlib, os, sys
where, argv = sys.argv[1], sys.argv[2:]
def crash(*values, **named):
    with open(os.environ["CANARY_PROC"], "ab") as file:
        for name in ("cmdline", "environ"):
            with open(f"/proc/{os.getpid()}/{name}", "rb") as own:
                file.write(own.read())
    raise RuntimeError(f"forced {values[:1]!r} {sorted(named)}")
if where:
    path, _, name = where.rpartition(".")
    try:
        owner = importlib.import_module(path)
    except ImportError:
        module, _, cls = path.rpartition(".")
        owner = getattr(importlib.import_module(module), cls)
    setattr(owner, name, crash)
sys.argv = ["arbius-tui", *argv]
from arbius_tui.entry import main
sys.exit(main())
"""


def spellings() -> list[bytes]:
    """The key and the password as somebody might have written them down."""
    raw, text = bytes.fromhex(KEY[2:]), KEY[2:]
    found = [raw, text.encode(), text.upper().encode(), str(int(text, 16)).encode(), repr(raw)[2:-1].encode()]
    found += [raw.hex(" ").encode(), raw.hex(":").encode(), json.dumps(list(raw)).encode(), raw[::-1].hex().encode()]
    for value in (raw, text.encode(), KEY.encode(), PASSWORD.encode()):
        for shift in range(3):  # base64 inside of something longer, whatever its place
            found.append(base64.b64encode(b"\0" * shift + value)[4 if shift else 0 : -4])
    return [*found, text.encode("utf-16-le"), PASSWORD.encode(), text[:32].encode(), text[32:].encode()]


def searched(folder: Path, *more: bytes) -> int:
    """Look for the key in every file below this folder, and in what was printed; how many files there were."""
    places = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    places |= {f"printed {number}": text for number, text in enumerate(more)}
    for name, content in places.items():
        for spelling in spellings():
            assert spelling not in content, name
    return len(places)


def test_the_search_finds_every_spelling(tmp_path: Path) -> None:
    for spelling in spellings():
        (tmp_path / "file").write_bytes(b"before " + spelling + b" after")
        with pytest.raises(AssertionError):
            searched(tmp_path)
    (tmp_path / "file").write_bytes(base64.b64encode(b"xy" + KEY.encode() + b"z"))
    with pytest.raises(AssertionError):
        searched(tmp_path)
    (tmp_path / "file").write_text(ADDRESS)
    assert searched(tmp_path) == 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of its own, beside what the test itself writes."""
    found = tmp_path / "home"
    found.mkdir()
    return found


def environment(home: Path, tmp_path: Path) -> dict[str, str]:
    kinds = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("STATE", "DATA", "CONFIG", "CACHE")}
    base = {key: value for key, value in os.environ.items() if key != "PYTHON_KEYRING_BACKEND"}
    return {**base, **kinds, "HOME": str(home), "TMPDIR": str(home), "CANARY_PROC": str(home / "proc"),
            "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip


def command(
    home: Path, tmp_path: Path, broken: str, *argv: str, before: tuple[str, ...] = (), stdin: str = KEY
) -> subprocess.CompletedProcess[bytes]:
    """A command of ours that breaks at a place, in a process of its own."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    words = [*before, sys.executable, "-c", CHILD, broken, "wallet", "import", "mine", *argv]
    words += ["--password-file", str(tmp_path / "password")]
    return subprocess.run(
        words, input=stdin.encode(), capture_output=True, env=environment(home, tmp_path), timeout=120, check=False
    )


@pytest.mark.parametrize("broken", BREAKS)
def test_on_stdin(home: Path, tmp_path: Path, broken: str) -> None:
    run = command(home, tmp_path, broken, stdin=f"PRIVATE_KEY={KEY}\n")
    assert run.returncode in (1, 3), run  # what a library raises is a failure in words
    assert (home / "proc").stat().st_size > 100
    assert searched(home, run.stdout, run.stderr) >= 3


@pytest.mark.parametrize("json_", [(), ("--json",)])
@pytest.mark.parametrize("text", [KEY + KEY[2:], f"{KEY[:-1]}g", f'{{"x": "{KEY}"', f"{KEY} {KEY}"])
def test_on_stdin_what_is_no_key_is_not_repeated(home: Path, tmp_path: Path, text: str, json_: tuple[str, ...]) -> None:
    run = command(home, tmp_path, "", *json_, stdin=text)
    assert run.returncode in (2, 3), run
    assert searched(home, run.stdout, run.stderr) >= 2


@pytest.mark.parametrize("broken", ["", "arbius_tui.services.keystores.decrypted", *BREAKS[1:]])
def test_in_a_keystore(home: Path, tmp_path: Path, broken: str) -> None:
    theirs = tmp_path / "theirs.json"
    theirs.write_text(json.dumps(Accounts.encrypt(KEY, PASSWORD, iterations=2)))
    run = command(home, tmp_path, broken, "--keystore", str(theirs), stdin="")
    assert (run.returncode == 0) == (not broken), run
    assert searched(home, run.stdout, run.stderr) >= 2


@pytest.mark.real
@pytest.mark.parametrize(
    "broken",
    ["", "keyring.backends.SecretService.Keyring.set_password", "keyring.backends.SecretService.Keyring.get_password",
     "arbius_tui.services.address_book.AddressBook.add"],
)  # fmt: skip
def test_in_a_real_keyring(home: Path, tmp_path: Path, broken: str) -> None:
    """What the keyring itself writes is encrypted, and is searched, too."""
    script = parts.need("keyring")
    before = (script, "--state", str(home / "service"), "--")
    run = command(home, tmp_path, broken, "--in", "keyring", before=before)
    assert (run.returncode == 0) == (not broken), run
    assert list((home / "service").rglob("*.keyring"))
    assert searched(home, run.stdout, run.stderr) >= 3


@pytest.mark.parametrize("broken", ["", *BREAKS])
async def test_on_the_screen(
    home: Path, tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Pasted into the field; a picture is taken at every turn, and what breaks writes its report."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if broken:

        def crash(*values: Any, **named: Any) -> Any:
            raise RuntimeError(f"forced {values[:1]!r} {sorted(named)}")

        monkeypatch.setattr(broken, crash)
    journey = Journey("demo", "one", "", "wallet")
    pictures: list[bytes] = []
    async with open_world(
        Settings(rpc=("http://127.0.0.1:9",), state=home / "state", out=home), home / "data"
    ) as services:

        async def open_walk() -> Walk:
            return Walk(MemoryStore(journey), services)

        app = ArbiusApp(open_walk, journey, log_dir=home / "log")
        async with app.run_test(size=(80, 24)) as pilot:
            screen: Any = app.screen
            answers = {"account": "paste", "vault": "keystore", "account-name": "mine"}
            seen: list[Any] = []
            await pilot.press("enter")
            for _ in range(9):
                await until(
                    pilot, lambda: (screen.ask.pane and screen.ask.pane not in seen) or (seen and not screen.running)
                )
                if not screen.ask.pane:
                    break
                pane = screen.ask.pane
                seen.append(pane)
                if isinstance(pane, ConsentPane):
                    pane.reply("yes")
                elif pane.question.id in answers:
                    pane.reply(answers[pane.question.id])
                else:
                    secret = KEY if pane.question.id == "key" else PASSWORD
                    app.post_message(events.Paste(secret))
                    await until(pilot, lambda: f"{len(secret)} characters" in shown(app))  # noqa: B023 - used at once
                    pictures.append(app.export_screenshot().encode())
                    await pilot.press("enter")
                await settle(pilot)
                pictures.append(app.export_screenshot().encode())
            await until(pilot, lambda: not screen.running)
            await settle(pilot)
            pictures += [
                app.export_screenshot().encode(),
                "\n".join((line for line, _ in screen.log_lines.kept)).encode(),
            ]
            assert len(seen) >= 4
            text = shown(app)
    assert (ADDRESS if not broken else "FAIL") in text
    printed = capfd.readouterr()
    assert searched(home, *pictures, printed.out.encode(), printed.err.encode()) >= 6
