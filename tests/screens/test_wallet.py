"""The Wallet screen: keys that come in unseen, what is said of them, and what an account lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual import constants
from textual.widgets import Input

from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.events import Done, Found, Saved, Trouble
from arbius_tui.domain.questions import Question
from arbius_tui.domain.records import WalletRecord
from arbius_tui.screens import clipboard
from arbius_tui.services.ports import Account
from arbius_tui.steps.money import Money
from tests.screens.test_steps_b import OWN, app_of, settle, shown, until, work
from tests.services.hidden import KEY

ASKED = Question("secret.key", "The private key", "w")


@pytest.fixture
def cleared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the clipboard was emptied by."""
    found: list[str] = []

    async def clear(osc52: Any) -> str:
        found.append("cleared")
        return "the clipboard was cleared by a test"

    monkeypatch.setattr(clipboard, "clear", clear)
    return found


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_pasted_key_is_a_length_and_its_clipboard_is_cleared(cleared: list[str], size: tuple[int, int]) -> None:
    app = app_of("wallet", [ASKED, Done(True)])
    async with app.run_test(size=size) as pilot:
        await work(pilot, "enter")
        await until(pilot, lambda: "The private key" in shown(app))
        field: Any = app.focused
        field.insert_text_at_cursor(KEY)
        await settle(pilot)
        assert "66 characters" in shown(app)
        assert KEY[2:10] not in app.export_screenshot()
        await pilot.press("enter")
        await until(pilot, lambda: cleared)
        await until(pilot, lambda: "the clipboard was cleared" in shown(app))
        assert field.value == ""


async def test_what_is_typed_leaves_the_clipboard_alone(cleared: list[str]) -> None:
    app = app_of("wallet", [ASKED, Done(True)])
    async with app.run_test(size=(80, 24)) as pilot:
        await work(pilot, "enter")
        await until(pilot, lambda: "The private key" in shown(app))
        screen = await work(pilot, "a", "b", "c", "enter")
        await until(pilot, lambda: not screen.running)
        assert cleared == []


@pytest.mark.parametrize("switch", ["TEXTUAL_LOG", "devtools", "debug"])
async def test_no_key_is_asked_for_while_keys_are_logged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, switch: str
) -> None:
    app = app_of("wallet", [ASKED, Done(True)])
    if switch == "TEXTUAL_LOG":
        monkeypatch.setattr(constants, "LOG_FILE", str(tmp_path / "keys.log"))
    else:
        app.features = app.features | {switch}
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await work(pilot, "enter")
        await until(pilot, lambda: "no key and no password" in shown(app))
        assert screen.copied() == "env -u TEXTUAL -u TEXTUAL_LOG arbius-tui"
        assert not isinstance(app.focused, Input)


async def test_what_is_short_and_where_it_comes_from(cleared: list[str]) -> None:
    lacks = Problem("balance-short", "the account lacks 0.0003 ETH", "gas", Fix("bridge it"), severity="warn")
    bridge = "https://bridge.arbitrum.io/x"
    money = Money("balance", OWN, "1", "1 wei on Arbitrum One", "300000000000001", "300000000000000", bridge)
    account = Account("author", OWN, "watch")
    script = [Found(account), Saved(WalletRecord("author", OWN, "watch")), Found(money), Trouble(lacks)]
    app = app_of("wallet", [*script, Done(True, 0, {}, "warn")])
    async with app.run_test(size=(80, 24)) as pilot:
        await work(pilot, "enter")
        await until(pilot, lambda: "warn  author signs" in shown(app))
        text = shown(app)
        assert "0.0003 ETH, exactly" in text
        assert bridge in text
        assert "the other device" in text


async def test_the_clipboard_is_emptied_by_a_tool_or_by_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "wl-copy"
    tool.write_text(f'#!/bin/sh\ncat > "{tmp_path}/held"\n')
    tool.chmod(0o755)
    (tmp_path / "held").write_text(KEY)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    said: list[str] = []
    assert "cleared by wl-copy" in await clipboard.clear(said.append, {"WAYLAND_DISPLAY": "1"})
    assert (tmp_path / "held").read_text() == ""
    assert said == []
    for environ in ({}, {"WAYLAND_DISPLAY": "1", "SSH_TTY": "/dev/pts/1"}):
        assert "asked your terminal" in await clipboard.clear(said.append, environ)
    assert said == ["", ""]
