"""Every row of the table of errors, on a real node behind a proxy, as the author reads it on the screen of Register."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.evm import selector
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.steps import sending
from tests import parts
from tests.screens.test_frame import settle, shown, until
from tests.services.chains import anvil_process, ask, put_engine
from tests.services.fault_proxy import FaultProxy
from tests.steps.registering import AUTHOR, TEMPLATE, Desk, desk, records

pytestmark = pytest.mark.real

SEND = "eth_sendRawTransaction"
ZERO = "0x" + "00" * 20


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        yield url


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "RECEIPT_LIMIT", 0.3)


@asynccontextmanager
async def screen_of(at: Desk) -> AsyncIterator[Pilot[Any]]:
    """The wizard on Register, with what the desk has."""
    await at.walk.go("register")

    async def open_walk() -> Any:
        return at.walk

    app = ArbiusApp(open_walk, at.walk.journey, palette="dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session.walk)
        yield pilot


async def played(pilot: Pilot[Any], answers: dict[str, str], key: str = "enter") -> str:
    """Press Enter, answer whatever is asked, until the step is through; what stands on the screen then."""
    screen: Any = pilot.app.screen
    await pilot.press(key)
    await until(pilot, lambda: screen.running or screen.panel.problem)
    while screen.running:
        await until(pilot, lambda: not screen.running or screen.ask.pane is not None)
        pane = screen.ask.pane
        if pane is None:
            continue
        await settle(pilot)
        question = getattr(pane, "question", None)
        text = answers.get(question.id, "") if question else ""
        if question and question.id == "confirm":
            text = question.expected
        if text and getattr(pane, "secret", False):  # typed: what is pasted is wiped from the clipboard, with words
            await pilot.press(*("space" if char == " " else char for char in text))
        elif text:
            pane.target().value = text
        await pilot.press(*(["y"] if type(pane).__name__ == "ConsentPane" else ["enter"]))
        await until(pilot, lambda pane=pane: screen.ask.pane is not pane)
    await settle(pilot)
    return str(shown(pilot.app))


@dataclass(frozen=True)
class Row:
    """A row: what is done to cause it, and what the author reads. `sent`: whether a transaction was broadcast."""

    words: str
    rule: str = ""
    cause: Callable[[str, Path], None] | None = None
    answers: tuple[tuple[str, str], ...] = ()
    sent: int = 0
    engine: str = ""


def pause(node: str, _: Path) -> None:
    before = int(ask(node, "eth_getStorageAt", REHEARSAL.engine, hex(103), "latest"), 16)
    ask(node, "anvil_setStorageAt", REHEARSAL.engine, hex(103), f"0x{before | 1 << 160:064x}")


def poor(node: str, _: Path) -> None:
    ask(node, "anvil_setBalance", AUTHOR, "0x1")


def no_blocks(node: str, _: Path) -> None:
    ask(node, "evm_setAutomine", False)


def too_big(_: str, path: Path) -> None:
    path.write_bytes(TEMPLATE[:-1] + b" " * 65_537 + b"\n")


def reverts(name: str) -> str:
    return f'eth_call=json:{{"error":{{"code":3,"message":"execution reverted","data":"{selector(name + "()")}"}}}}'


def refuses(text: str) -> str:
    return f"{SEND}=error:-32003:{text}"


TABLE = {
    "addr zero": Row("cannot be the zero address", answers=(("addr", ZERO),)),
    "addr zero, by the engine": Row("the model's addr is the zero address", reverts("AddressMustBeNonZero")),
    "paused": Row("the engine is paused", cause=pause),
    "paused, in version 5": Row("the engine is paused", "eth_call=error:3:execution reverted: paused"),
    "already registered, in version 5": Row(
        "this model is registered already", "eth_call=error:3:execution reverted: model already registered"
    ),
    "already registered, by a selector": Row("this model is registered already", reverts("ModelAlreadyRegistered")),
    "more than 65536 bytes": Row("65,536", cause=too_big),
    "more than 65536 bytes, by the engine": Row(
        "larger than 65,536 bytes", "eth_call=error:3:execution reverted: Max content size is 65536 bytes"
    ),
    "nonce too low": Row("another transaction with this nonce", refuses("nonce too low"), sent=1),
    "already imported": Row("has this transaction already", refuses("transaction already imported"), sent=1),
    "already known": Row("has this transaction already", refuses("already known"), sent=1),
    "wrong chain id in the transaction": Row(
        "signed for another chain", refuses("invalid chain id for signer"), sent=1
    ),
    "no funds": Row("what is not used is not taken", cause=poor),
    "max fee below the base fee": Row(
        "more expensive than", refuses("max fee per gas less than block base fee"), sent=1
    ),
    "gas 21000": Row("gas limit does not fit", refuses("intrinsic gas too low"), sent=1),
    "nonce gap": Row("missing before this one", refuses("nonce too high"), sent=1),
    "no code at the address": Row("no contract at", engine="0x" + "77" * 20),
    "never mined": Row("not mined after", cause=no_blocks, sent=1),
    "no reason in the answer": Row("without a reason", "eth_call=error:3:execution reverted"),
    "another chain": Row("is Ethereum (1)", 'eth_chainId=json:{"result":"0x1"}'),
    "an error that nobody names": Row("the engine refused", "eth_call=error:3:execution reverted: something new"),
    "a panic": Row(
        "a number overflowed",
        f'eth_call=json:{{"error":{{"code":3,"message":"execution reverted","data":"0x4e487b71{17:064x}"}}}}',
    ),
}


@pytest.mark.parametrize("name", TABLE)
async def test_the_row_in_words(node: str, tmp_path: Path, name: str) -> None:
    row = TABLE[name]
    network = replace(REHEARSAL, engine=row.engine) if row.engine else REHEARSAL
    async with (
        FaultProxy(node, *([row.rule] if row.rule else [])) as proxy,
        desk(node, tmp_path, through=proxy.url, network=network) as at,
    ):
        if row.cause:
            row.cause(node, tmp_path / "template.json")
        async with screen_of(at) as pilot:
            text = await played(pilot, {"password": "a password", "fee": "0.0035", **dict(row.answers)})
            said = " ".join(text.replace(">", " ").split())
            assert row.words in said, text
            assert "Something broke" not in text
            problem = pilot.app.screen.panel.problem
            assert problem
            assert problem.why
            assert problem.fix
        assert proxy.count(SEND) == row.sent
        assert at.models() == []


async def test_registering_twice_is_a_success(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        for record in records(tmp_path / "template.json"):
            at.walk.store.apply(record)
        async with screen_of(at) as pilot:
            text = await played(pilot, {"password": "a password", "fee": "0.0035"})
            assert "registered" in text
            text = await played(pilot, {"fee": "0.0035"})
            assert "FAIL" not in text
            assert "already registered" in "\n".join(line for line, _ in pilot.app.screen.log_lines.kept)
        assert at.nonce() == 1
