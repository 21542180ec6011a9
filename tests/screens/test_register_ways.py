"""The other ways through Register by keys, on a real node: a list, files, a later change, what waits, the calldata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.transaction_files import read_unsigned
from arbius_tui.steps import sending
from tests import parts
from tests.screens.test_frame import settle, shown
from tests.screens.test_register_words import played, screen_of
from tests.services.chains import anvil_process, ask, put_engine, sign
from tests.steps.registering import Desk, desk

pytestmark = pytest.mark.real

MINER = "0x1111111111111111111111111111111111111111"
ANSWERS = {"password": "a password", "fee": "0.0035"}


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        yield url


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "RECEIPT_LIMIT", 0.3)


async def test_w_takes_a_list_and_o_changes_it_later(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at, screen_of(at) as pilot:
        screen: Any = pilot.app.screen
        text = await played(pilot, {**ANSWERS, "allow-list": MINER}, "w")
        assert "registered" in text
        assert at.record is not None
        assert at.record.allow_list == (MINER,)
        assert screen.rows["allow"].full == MINER
        assert "--allow-list FILE" in screen.command()
        assert "owner" in text.splitlines()[-2]

        text = await played(pilot, {**ANSWERS, "owner-value": "0.5"}, "o")
        assert "becomes" in text
        assert screen.rows["tx"].state == "ok"
        assert at.nonce() == 2
        assert at.walk.journey.state("register") == "ok"
        assert at.record.state == "mined", "the registration is what it was"


async def test_u_writes_a_file_and_i_takes_it_back(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at, screen_of(at) as pilot:
        out, back = tmp_path / "out.json", tmp_path / "back"
        text = await played(pilot, {**ANSWERS, "unsigned": str(out)}, "u")
        assert "written for another device" in text
        assert at.nonce() == 0
        back.write_text(sign(read_unsigned(out.read_bytes()).transaction())[0])
        text = await played(pilot, {**ANSWERS, "signed": str(back)}, "i")
        assert "registered" in text
        assert at.models() == [Desk.predicted]


async def test_s_pays_more_for_what_waits(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at, screen_of(at) as pilot:
        ask(node, "evm_setAutomine", False)
        assert "not mined after" in await played(pilot, ANSWERS)
        first = at.record
        assert first is not None
        await played(pilot, ANSWERS, "s")
        assert at.record is not None
        assert at.record.earlier == (first.tx_hash,)
        ask(node, "evm_mine")
        assert "registered" in await played(pilot, ANSWERS)
        assert at.nonce() == 1


async def test_f6_shows_the_call(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at, screen_of(at) as pilot:
        assert not pilot.app.screen.check_action("calldata", ()), "nothing is reviewed yet"
        await played(pilot, {**ANSWERS, "fee": "0.0035", "password": "wrong"})
        await pilot.press("f6")
        await settle(pilot)
        text = shown(pilot.app)
        assert "0x4ff03efa" in text
        assert "3500000000000000 wei" in text
        await pilot.press("escape")
        assert at.nonce() == 0
