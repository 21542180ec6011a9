"""Who signs: raw bytes from a keystore, another device by files, a wallet that sends by itself, and nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import BadInput, Failure, TransactionFailed
from arbius_tui.domain.events import Found, Line
from arbius_tui.domain.records import PinRecord, RegisterRecord, WalletRecord
from arbius_tui.domain.transaction_files import read_unsigned
from arbius_tui.services.ports import Account, Handover
from arbius_tui.steps import sending
from arbius_tui.steps.hurry import Hurry
from arbius_tui.steps.register import Register
from tests import parts
from tests.services.chains import AUTHOR_KEY, anvil_process, ask, put_engine, sign
from tests.steps.conftest import Author
from tests.steps.registering import AUTHOR, Desk, codes, desk, end

pytestmark = pytest.mark.real

NOBODY = "0x0000000000000000000000000000000000000001"
MINER = "0x1111111111111111111111111111111111111111"


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        yield url


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "RECEIPT_LIMIT", 0.5)
    monkeypatch.setattr(sending, "CLAIM_LIMIT", 0.5)
    monkeypatch.setattr(sending, "CLAIM_PAUSE", 0.05)


# Another device


async def test_out_in_a_file_and_back_signed(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        unsigned, back = tmp_path / "unsigned.json", tmp_path / "signed"
        events = await at.run(Register(unsigned=unsigned))
        done = end(events)
        assert (done.ok, done.result["unsigned"], done.state) == (True, str(unsigned), "wait")
        assert at.nonce() == 0
        found = read_unsigned(unsigned.read_bytes())
        assert (found.sender, found.nonce) == (AUTHOR, 0)
        review = json.loads(unsigned.read_text())["review"]
        assert at.predicted in review["model id"]

        raw, tx_hash = sign(found.transaction(), AUTHOR_KEY)
        back.write_text(raw)
        done = end(await at.run(Register(signed=back)))
        assert done.ok
        assert done.result["tx_hash"] == tx_hash
        assert at.models() == [at.predicted]


async def test_a_file_is_never_replaced(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        (tmp_path / "mine").write_text("precious")
        events = await at.run(Register(unsigned=tmp_path / "mine"))
        assert codes(events) == ["file-exists"]
        assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("change", [{"gas": 300_000}, {"value": 1}, {"data": "0x00"}, {"nonce": 1}])
async def test_what_came_back_otherwise_is_refused(node: str, tmp_path: Path, change: dict[str, Any]) -> None:
    async with desk(node, tmp_path) as at:
        unsigned, back = tmp_path / "unsigned.json", tmp_path / "signed"
        await at.run(Register(unsigned=unsigned))
        raw, _ = sign({**read_unsigned(unsigned.read_bytes()).transaction(), **change}, AUTHOR_KEY)
        back.write_text(raw)
        events = await at.run(Register(signed=back))
        assert codes(events) == ["signed-differs"]
        assert at.nonce() == 0
        assert at.record is not None
        assert at.record.raw == ""


async def test_signed_after_the_account_has_sent_something_else(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        unsigned, back = tmp_path / "unsigned.json", tmp_path / "signed"
        await at.run(Register(unsigned=unsigned))
        back.write_text(sign(read_unsigned(unsigned.read_bytes()).transaction(), AUTHOR_KEY)[0])
        ask(node, "anvil_setNonce", AUTHOR, "0x5")
        events = await at.run(Register(signed=back))
        assert codes(events) == ["nonce-too-low"]


async def test_watch_only_says_how_it_goes_on(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        use(at, Watching())
        events = await at.run()
        assert codes(events) == ["watch-only"]
        assert at.record is None


class Watching:
    """A list of addresses."""

    kind = "watch"

    async def accounts(self) -> tuple[Account, ...]:
        return (Account("author", AUTHOR, self.kind),)


def use(at: Desk, vault: Any) -> None:
    """The account lies in this vault."""
    at.walk.services = replace(at.walk.services, vaults=(vault,))
    at.walk.journey = at.walk.store.apply(WalletRecord("author", AUTHOR, vault.kind))


# A wallet that sends by itself


class Wallet(Watching):
    """MetaMask as a double: it signs and sends by itself, chooses nonce and gas, and says a hash."""

    kind = "browser"

    def __init__(self, node: str, *, refuse: Failure | None = None, dies: str = "", other: bool = False) -> None:
        self.node, self.refuse, self.dies, self.other, self.asked = node, refuse, dies, other, 0

    async def send(self, name: str, transaction: Mapping[str, Any]) -> AsyncGenerator[Handover, None]:
        self.asked += 1
        yield Handover("send", "ask", "confirm it in your wallet", "http://127.0.0.1:1/#token")
        if self.refuse:
            raise self.refuse
        if self.dies == "before":
            raise KeyboardInterrupt
        data = "0x" if self.other else transaction["data"]
        nonce = int(ask(self.node, "eth_getTransactionCount", AUTHOR, "pending"), 16)
        raw, tx_hash = sign({**transaction, "data": data, "nonce": nonce, "gas": 400_000}, AUTHOR_KEY)
        ask(self.node, "eth_sendRawTransaction", raw)
        if self.dies == "after":
            raise KeyboardInterrupt
        yield Handover("send", "sent", "sent", tx_hash=tx_hash)


async def test_a_wallet_that_sends(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        use(at, Wallet(node))
        states = []
        at.walk.watchers.append(lambda j: states.append((j.get(RegisterRecord) or RegisterRecord()).state))
        events = await at.run()
        assert end(events).ok
        assert states[states.index("handed") :][0] == "handed"
        assert at.models() == [at.predicted]
        urls = [e.item.url for e in events if isinstance(e, Found) and isinstance(e.item, Handover) and e.item.url]
        assert urls
        assert not any(urls[0] in json.dumps(record, default=str) for record in at.walk.journey.records.values())


async def test_the_author_refuses_in_the_wallet(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        wallet = Wallet(node, refuse=BadInput("wallet-rejected", "you refused it in your wallet"))
        use(at, wallet)
        assert codes(await at.run()) == ["wallet-rejected"]
        assert at.record is not None
        assert at.record.state == "failed"
        wallet.refuse = None
        assert end(await at.run()).ok
        assert at.models() == [at.predicted]


async def test_killed_with_the_request_in_the_wallet(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        wallet = Wallet(node, dies="after")
        use(at, wallet)
        with pytest.raises(KeyboardInterrupt):
            await at.run()
        assert at.record is not None
        assert (at.record.state, at.record.tx_hash) == ("handed", "")
        events = await at.run()
        assert end(events).ok
        assert wallet.asked == 1
        assert (at.models(), at.nonce()) == ([at.predicted], 1)
        assert at.record.state == "mined"
        assert at.record.tx_hash


async def test_killed_before_the_wallet_sent_it_is_asked_and_not_handed_over_unasked(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        wallet = Wallet(node, dies="before")
        use(at, wallet)
        with pytest.raises(KeyboardInterrupt):
            await at.run()
        wallet.dies = ""
        events = await at.run(**{"hand-over-again": "no"})
        assert codes(events) == ["handed-over"]
        assert wallet.asked == 1
        await at.run(**{"hand-over-again": "yes"})
        assert wallet.asked == 1, "giving it up is not handing it over"
        assert end(await at.run()).ok
        assert (wallet.asked, at.models(), at.nonce()) == (2, [at.predicted], 1)


async def test_the_wallets_word_is_not_believed(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        use(at, Wallet(node, other=True))
        events = await at.run()
        assert codes(events) == ["claim-differs"]
        assert at.models() == []


# Speed up and cancel


@pytest.mark.parametrize("way", ["speed-up", "cancel"])
async def test_a_transaction_that_waits_is_replaced_with_its_nonce(node: str, tmp_path: Path, way: Any) -> None:
    async with desk(node, tmp_path) as at:
        ask(node, "evm_setAutomine", False)
        assert codes(await at.run()) == ["still-pending"]
        first = at.record
        assert first is not None
        assert codes(await at.run(Hurry(way))) == ["still-pending"]
        both = at.record
        assert both is not None
        assert both.nonce == first.nonce
        ask(node, "evm_mine")
        events = await at.run()
        assert at.nonce() == 1
        assert at.record is not None
        if way == "speed-up":
            assert end(events).ok
            assert (at.models(), at.record.tx_hash, both.earlier) == ([at.predicted], both.tx_hash, (first.tx_hash,))
        else:
            assert codes(events) == ["cancelled"]
            assert (at.models(), at.record.state) == ([], "cancelled")


async def test_on_arbitrum_nothing_waits_that_could_be_passed(
    node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(node, tmp_path) as at:
        ask(node, "evm_setAutomine", False)
        await at.run()
        monkeypatch.setattr("arbius_tui.steps.hurry.ARBITRUM", frozenset({31337}))
        events = await at.run(Hurry("speed-up"))
        assert codes(events) == ["first-come"]


async def test_nothing_waits(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert codes(await at.run(Hurry("cancel"))) == ["nothing-waits"]
        assert end(await at.run()).ok
        assert codes(await at.run(Hurry("cancel"))) == ["nothing-waits"]


# What wants to be meant


@pytest.mark.parametrize("addr", [NOBODY, "0x000000000000000000000000000000000000dEaD", "0x" + "00" * 19 + "09"])
async def test_an_addr_without_a_key_wants_a_written_consent(node: str, tmp_path: Path, addr: str) -> None:
    async with desk(node, tmp_path) as at:
        events = await at.run(addr=addr, nobody="no")
        assert codes(events) == ["not-confirmed"]
        assert at.nonce() == 0
        assert end(await at.run(addr=addr, nobody="nobody")).ok


@pytest.mark.parametrize("fee", ["3500000000000000", "0.0000000000001"])
async def test_an_odd_fee_is_asked_about(node: str, tmp_path: Path, fee: str) -> None:
    async with desk(node, tmp_path) as at:
        assert codes(await at.run(fee=fee, **{"odd-fee": "no"})) == ["not-confirmed"]
        assert end(await at.run(fee=fee, **{"odd-fee": "yes"})).ok


async def test_a_template_that_no_store_has_is_asked_about(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        pin = at.walk.journey.get(PinRecord)
        assert pin is not None
        at.walk.journey = at.walk.store.apply(replace(pin, stores=(), fetchable=False))
        assert codes(await at.run(**{"not-pinned": "no"})) == ["not-confirmed"]
        assert end(await at.run(**{"not-pinned": "yes"})).ok


async def test_what_pin_found_holds_it_up(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        pin = at.walk.journey.get(PinRecord)
        assert pin is not None
        at.walk.journey = at.walk.store.apply(replace(pin, blocked="the engine computes another CID"))
        events = await at.run()
        assert (end(events).exit, codes(events)) == (6, ["pin-blocked"])


async def test_an_allow_list_is_registered_and_told(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        done = end(await at.run(Register((MINER,))))
        assert done.ok
        assert done.result["allow_list"] == [MINER]
        assert done.result["function"] == "registerModelWithAllowList"
        from arbius_tui.domain.engine import call_data

        listed = call_data("modelRequiresAllowList", bytes.fromhex(at.predicted[2:]))
        assert int(ask(node, "eth_call", {"to": done.result["engine"], "data": listed}, "latest"), 16) == 1


async def test_the_author_types_the_list(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert codes(await at.run(Register(listing=True), **{"allow-list": f"{MINER} {MINER}"})) == ["allow-list-twice"]
        assert end(await at.run(Register(listing=True), **{"allow-list": f"{MINER} # a friend"})).ok
        assert at.record is not None
        assert at.record.allow_list == (MINER,)


async def test_an_empty_list_is_asked_about(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert codes(await at.run(Register(()), **{"empty-allow-list": "no"})) == ["not-confirmed"]


async def test_the_entry_for_the_repository_is_whole(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        entry = end(await at.run()).result["entry"]
        assert entry["demo"]["id"] == at.predicted
        assert entry["demo"]["params"]["fee"] == "3500000000000000"
        json.dumps(entry)


async def test_every_value_has_a_source(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        author = Author(addr=AUTHOR, fee="0.0035")
        events = [event async for event in at.walk.run("register", author)]
        rows = {e.item.id: e.item for e in events if isinstance(e, Found) and hasattr(e.item, "against")}
        assert list(rows) == [
            "call", "engine", "chain", "from", "addr", "fee", "bytes", "CID", "model id", "simulate", "cost",
        ]  # fmt: skip
        assert all(row.against and len(row.value) <= 42 for row in rows.values()), rows
        assert "treasury 100%" in rows["fee"].full
        assert any(isinstance(e, Line) and "already" not in e.text for e in events)


async def test_a_transaction_of_another_deployment_is_not_followed_here(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        at.walk.journey = at.walk.store.apply(
            RegisterRecord(state="sent", chain_id=42161, engine=MINER, sender=AUTHOR, tx_hash="0x" + "11" * 32)
        )
        assert codes(await at.run()) == ["other-deployment"]


def test_the_failure_of_a_claim_is_of_its_kind() -> None:
    assert sending.watch_only(RegisterRecord(account="me")).exit_code == BadInput.exit_code
    assert sending.taken(RegisterRecord()).exit_code == TransactionFailed.exit_code
