"""What a model's addr changes later, on a real node: reviewed, confirmed, journaled and followed as a registration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.engine import call_data
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.events import Found
from arbius_tui.domain.records import OwnerRecord, WalletRecord
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.steps import sending
from arbius_tui.steps.owner import Change, Owner
from arbius_tui.steps.register import Register
from tests import parts
from tests.services.chains import anvil_process, ask, put_engine
from tests.services.fault_proxy import FaultProxy
from tests.steps.registering import AUTHOR, Desk, codes, desk, end

pytestmark = pytest.mark.real

MINER = "0x1111111111111111111111111111111111111111"
OTHER = "0x2222222222222222222222222222222222222222"


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        yield url


async def changed(at: Desk, action: str, *values: str, **answers: str) -> list[Any]:
    """Run one action on the desk's model."""
    return await at.run(Owner(Change.parse(action, at.predicted, values)), name="owner", **answers)


def view(at: Desk, name: str, *arguments: Any) -> str:
    call = {"to": REHEARSAL.engine, "data": call_data(name, bytes.fromhex(at.predicted[2:]), *arguments)}
    return str(ask(at.url, "eth_call", call, "latest"))


async def test_fee_addr_and_list(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert end(await at.run(Register((MINER,)))).ok
        state = at.walk.journey.state("register")
        events = await changed(at, "set-fee", "0.007")
        done = end(events)
        assert (done.ok, done.result["function"]) == (True, "setModelFee")
        rows = {e.item.id: e.item for e in events if isinstance(e, Found) and hasattr(e.item, "against")}
        assert (rows["now"].value, rows["becomes"].value) == ("0.0035 AIUS", "0.007 AIUS  7000000000000000 wei")
        assert int(view(at, "models")[2:66], 16) == 7 * 10**15

        again = end(await changed(at, "set-fee", "0.007"))
        assert (again.ok, again.result["already"]) == (True, True)

        assert end(await changed(at, "allow", OTHER)).ok
        assert int(view(at, "isSolverAllowed", OTHER), 16) == 1
        assert end(await changed(at, "disallow", OTHER)).ok
        assert int(view(at, "isSolverAllowed", OTHER), 16) == 0
        assert end(await changed(at, "open")).ok
        assert int(view(at, "isSolverAllowed", OTHER), 16) == 1
        assert codes(await changed(at, "open")) == ["allow-list-not-enabled"]

        assert codes(await changed(at, "set-addr", "0x" + "00" * 19 + "01", nobody="no")) == ["not-confirmed"]
        assert end(await changed(at, "set-addr", OTHER)).ok
        assert codes(await changed(at, "set-fee", "1")) == ["not-model-owner"]
        assert at.nonce() == 6
        assert at.walk.journey.state("register") == state, "a later change is beside the journey"


async def test_no_such_model(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        events = await changed(at, "set-fee", "1")
        assert (codes(events), end(events).exit) == (["model-does-not-exist"], 7)


async def test_a_wrong_tail_sends_nothing(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert end(await at.run()).ok
        assert codes(await changed(at, "set-fee", "1", confirm="zzzz")) == ["not-confirmed"]
        assert at.nonce() == 1


async def test_a_lost_answer_and_a_second_run_change_it_once(
    node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "RECEIPT_LIMIT", 0.3)
    async with (
        FaultProxy(node, "eth_sendRawTransaction=json:{}*0") as proxy,
        desk(node, tmp_path, through=proxy.url) as at,
    ):
        assert end(await at.run()).ok
        ask(node, "evm_setAutomine", False)
        assert codes(await changed(at, "set-fee", "1")) == ["still-pending"]
        record = at.walk.journey.get(OwnerRecord)
        assert record is not None
        assert record.state == "sent"
        ask(node, "evm_mine")
        done = end(await changed(at, "set-fee", "1"))
        assert (done.ok, done.result["tx_hash"]) == (True, record.tx_hash)
        assert at.nonce() == 2


async def test_out_in_a_file(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert end(await at.run()).ok
        step = Owner(Change.parse("set-fee", at.predicted, ("1",)), unsigned=tmp_path / "out.json")
        done = end(await at.run(step, name="owner"))
        assert (done.ok, done.result["unsigned"]) == (True, str(tmp_path / "out.json"))
        assert at.nonce() == 1


async def test_the_author_is_asked_on_screen(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert end(await at.run()).ok
        answers = {"owner-action": "set-fee", "owner-value": "0.5"}
        assert end(await at.run(Owner(of=at.predicted), name="owner", **answers)).ok
        assert int(view(at, "models")[2:66], 16) == 5 * 10**17


@pytest.mark.parametrize(
    ("action", "values"),
    [("set-fee", ()), ("set-fee", ("lots",)), ("set-addr", ("0x" + "00" * 20,)), ("allow", ()), ("open", (MINER,)),
     ("burn", ())],
)  # fmt: skip
def test_what_the_engine_could_not_take(action: str, values: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        Change.parse(action, "0x" + "ab" * 32, values)


async def test_another_account_reads_why(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert end(await at.run()).ok
        at.walk.journey = at.walk.store.apply(WalletRecord("other", OTHER, "keystore"))
        events = await changed(at, "set-fee", "1")
        assert codes(events) == ["not-model-owner"]
        assert AUTHOR != OTHER
