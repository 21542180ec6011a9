"""A step that waits for a wallet elsewhere: its address, what happens there, and the keys."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.events import Done, Found
from arbius_tui.screens.handing import HandingScreen
from arbius_tui.services.signers import Handover
from tests.screens import demo
from tests.screens.still import still
from tests.screens.test_frame import app_of, lines, shown, until

URL = "http://127.0.0.1:41234/#" + "t0ken" * 8 + "123"
TEXT = "open this address in the browser that has your wallet"
ASKED = "MetaMask shows the transaction: sign and send it there, or reject it"


def link(page: str, tunnel: str = "") -> Found:
    return Found(Handover("page", "ask", TEXT, url=URL, page=page, tunnel=tunnel, stage="waiting"))


def said(text: str) -> Found:
    return Found(Handover("page", "line", text, stage="asked"))


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"):
        monkeypatch.delenv(name, raising=False)
    yield
    os.environ.pop("NO_COLOR", None)


def played(*script: Any) -> type[demo.Demo]:
    """A screen whose step hands something over."""
    return type("Handing", (HandingScreen, demo.SCREENS["checks"]), {"script": script})


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_whole_address_and_its_keys_are_shown_until_it_was_opened(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    opened, answered = asyncio.Event(), asyncio.Event()
    tunnel = "ssh -N -L 41234:127.0.0.1:41234 me@far.example"
    script = (link("/nowhere", tunnel), opened.wait, said(ASKED), answered.wait, Done(True))
    app = app_of(played(*script), tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: TEXT in shown(app))
        await still(pilot)
        assert URL in shown(app), "whole, on one line, so that a terminal makes a link of it"
        assert tunnel in shown(app)
        assert lines(app)[-2].split() == ["o", "open", "F4", "copy", "Esc", "stop"]
        assert app.screen.copied() == URL
        await pilot.press("o")
        await until(pilot, lambda: "no browser here" in shown(app))
        opened.set()
        await until(pilot, lambda: "MetaMask shows the transaction" in shown(app))
        await still(pilot)
        assert URL not in shown(app)
        assert lines(app)[-2].split() == ["F4", "copy", "Esc", "stop"]
        answered.set()
        await until(pilot, lambda: not app.screen.running)
        await still(pilot)
        assert app.screen.ask.pane is None
        assert not [row for row, _ in app.screen.log_lines.kept if "t0ken" in row]


async def test_esc_stops_the_step(tmp_path: Path) -> None:
    never, ended = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        try:
            await never.wait()
        finally:
            ended.set()

    app = app_of(played(link("/nowhere"), wait), tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: URL in shown(app))
        await pilot.press("escape")
        await until(pilot, ended.is_set)
        await until(pilot, lambda: not app.screen.running and app.screen.ask.pane is None)
        await still(pilot)
        assert URL not in shown(app)


async def test_a_key_opens_the_file_that_leads_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools, told = tmp_path / "bin", tmp_path / "told"
    tools.mkdir()
    (tools / "xdg-open").write_text(f'#!/bin/sh\nprintf "%s" "$*" >{told}.part && mv {told}.part {told}\n')
    (tools / "xdg-open").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":99")
    never = asyncio.Event()
    app = app_of(played(link("/private/page.html"), never.wait), tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: URL in shown(app))
        await pilot.press("o")
        await until(pilot, told.exists)
        assert told.read_text() == "/private/page.html", "no argument of a program holds the token"
        await until(pilot, lambda: "opened in your browser" in shown(app))
