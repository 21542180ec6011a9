"""Whatever stands between the wizard and the chain: one model, one nonce, the receipt in the end, and true words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.questions import Question
from arbius_tui.domain.records import RegisterRecord
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.steps import register, sending
from arbius_tui.steps.reviews import Review
from tests import parts
from tests.services.chains import anvil_process, ask, put_engine
from tests.services.fault_proxy import FaultProxy
from tests.steps.conftest import Author
from tests.steps.registering import AUTHOR, Desk, codes, desk, end

pytestmark = pytest.mark.real

SEND = "eth_sendRawTransaction"


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        yield url


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes is waited for shortly."""
    monkeypatch.setattr(sending, "RECEIPT_LIMIT", 0.5)
    monkeypatch.setattr(sending, "CLAIM_LIMIT", 0.5)


def told(events: list[Event]) -> str:
    """All words that a person reads."""
    words = [event.text for event in events if isinstance(event, Line)]
    problems = [event.problem for event in events if isinstance(event, Trouble)]
    return "\n".join([*words, *(f"{p.what}\n{p.why}\n{p.fix.text if p.fix else ''}" for p in problems)])


def reviewed(events: list[Event]) -> dict[str, Review]:
    """The rows of the review."""
    items = [event.item for event in events if isinstance(event, Found)]
    return {item.id: item for item in items if isinstance(item, Review)}


def registered_once(at: Desk, done: Done) -> None:
    """One model, one nonce, its receipt in the journal."""
    record = at.record
    assert done.ok, done
    assert at.models() == [at.predicted]
    assert at.nonce() == 1
    assert record is not None
    assert (record.state, record.mined_id) == ("mined", at.predicted)
    receipt = ask(at.url, "eth_getTransactionReceipt", record.tx_hash)
    assert (int(receipt["blockNumber"], 16), int(receipt["gasUsed"], 16)) == (record.block, record.gas_used)


async def test_no_fault_takes_at_most_fourteen_calls_in_four_requests(node: str, tmp_path: Path) -> None:
    async with FaultProxy(node) as proxy, desk(node, tmp_path, through=proxy.url) as at:
        registered_once(at, end(await at.run()))
        calls = [name for seen in proxy.seen for name in seen.names[1:]]
        assert len(calls) <= 14, calls
        assert proxy.count(SEND) == 1
        assert len(proxy.seen) <= 4


async def test_from_the_confirmation_to_the_verified_receipt(node: str, tmp_path: Path) -> None:
    """The bench has the target (0.5 s); here only that nothing is waited for in fixed steps."""
    async with desk(node, tmp_path) as at:
        await at.run()
        assert at.record is not None
        assert at.record.block > 0


async def test_a_node_that_takes_no_batches(node: str, tmp_path: Path) -> None:
    async with FaultProxy(node, "eth_chainId=status:400*1") as proxy, desk(node, tmp_path, through=proxy.url) as at:
        registered_once(at, end(await at.run()))
        assert all(len(seen.names) == 2 for seen in proxy.seen[1:])


# Sending

UNCLEAR = {
    "the answer is lost after acceptance": ("lose-answer*1", True),
    "half of the answer": ("truncate*1", True),
    "the connection is closed at once": ("refuse*1", False),
    "HTML": ("html*1", False),
    "HTTP 502": ("status:502*1", False),
    "HTTP 503": ("status:503*1", False),
    "null": ("null*1", False),
    "another hash": ('json:{"result":"0x1234"}*1', False),
    "a redirect": ("redirect:http://127.0.0.1:9/*1", False),
    "it hangs": ("hang*1", False),
    "context deadline exceeded": ("error:-32000:context deadline exceeded*1", False),
}


@pytest.mark.parametrize("fault", UNCLEAR)
async def test_a_broadcast_without_a_clear_answer(node: str, tmp_path: Path, fault: str) -> None:
    rule, taken = UNCLEAR[fault]
    async with (
        FaultProxy(node, f"{SEND}={rule}") as proxy,
        desk(node, tmp_path, through=proxy.url, send_limit=1.0) as at,
    ):
        events = await at.run()
        assert "the answer was lost" in told(events)
        assert proxy.count(SEND) == 1
        if taken:
            registered_once(at, end(events))
            return
        assert (end(events).exit, codes(events)) == (9, ["still-pending"])
        assert at.models() == []
        first = at.record
        assert first is not None
        again = await at.run()
        assert "the chain does not know it: sending the same bytes" in told(again)
        registered_once(at, end(again))
        assert at.record is not None
        assert at.record.tx_hash == first.tx_hash


@pytest.mark.parametrize(
    ("rule", "code", "exit_code"),
    [("status:429", "rpc-busy", 3), ("status:403", "rpc-denied", 3), ("error:-32005:rate limit", "rpc-busy", 3)],
)
async def test_a_broadcast_that_is_turned_away(node: str, tmp_path: Path, rule: str, code: str, exit_code: int) -> None:
    async with FaultProxy(node, f"{SEND}={rule}*1") as proxy, desk(node, tmp_path, through=proxy.url) as at:
        events = await at.run()
        assert (end(events).exit, codes(events)) == (exit_code, [code])
        assert (at.models(), at.nonce()) == ([], 0)
        assert at.record is not None
        assert at.record.state == "signed"
        registered_once(at, end(await at.run()))


async def test_the_price_rose_above_what_was_signed(node: str, tmp_path: Path) -> None:
    rule = f"{SEND}=error:-32003:max fee per gas less than block base fee*1"
    async with FaultProxy(node, rule) as proxy, desk(node, tmp_path, through=proxy.url) as at:
        events = await at.run()
        assert codes(events) == ["fee-too-low"]
        assert at.record is not None
        assert at.record.state == "failed"  # never taken: the next one has the same nonce
        registered_once(at, end(await at.run()))


# Reading before anything is signed

READS = {
    "429": ("*=status:429", "rpc-busy", 3),
    "503": ("*=status:503", "rpc-down", 3),
    "HTML": ("*=html", "rpc-garbled", 3),
    "half an answer": ("*=truncate", "rpc-lost", 3),
    "hang": ("*=hang", "rpc-timeout", 3),
    "closed": ("*=refuse", "rpc-lost", 3),
    "redirect": ("*=redirect:http://127.0.0.1:9/", "rpc-garbled", 3),
    "null for the chain id": ("eth_chainId=null", "wrong-chain", 7),
    "another chain": ('eth_chainId=json:{"result":"0x1"}', "wrong-chain", 7),
    "null for a call": ("eth_call=null", "rpc-garbled", 3),
    "null for the nonce": ("eth_getTransactionCount=null", "rpc-garbled", 3),
    "the service drops the reason": ("eth_estimateGas=error:3:execution reverted", "reverted", 9),
}


@pytest.mark.parametrize("fault", READS)
async def test_nothing_is_signed_on_shaky_ground(node: str, tmp_path: Path, fault: str) -> None:
    rule, code, exit_code = READS[fault]
    async with FaultProxy(node, rule) as proxy, desk(node, tmp_path, through=proxy.url, limit=1.0) as at:
        events = await at.run()
        assert (end(events).exit, codes(events)) == (exit_code, [code])
        assert at.record is None
        assert proxy.count(SEND) == 0
        assert at.nonce() == 0


async def test_a_passing_trouble_while_reading(node: str, tmp_path: Path) -> None:
    rules = ("eth_chainId=status:503*1", "eth_getTransactionReceipt=html*1", "eth_getTransactionReceipt=null*1")
    async with FaultProxy(node, *rules) as proxy, desk(node, tmp_path, through=proxy.url) as at:
        registered_once(at, end(await at.run()))


# Two RPCs


async def test_two_rpcs_agree(node: str, tmp_path: Path) -> None:
    async with FaultProxy(node) as second, desk(node, tmp_path, second=second.url) as at:
        events = await at.run()
        registered_once(at, end(events))
        rows = {
            event.item.id: event.item for event in events if isinstance(event, Found) and hasattr(event.item, "against")
        }
        assert (rows["chain"].against, rows["chain"].state) == ("2 RPCs", "ok")
        assert second.count(SEND) == 0, "a signed transaction goes to one RPC alone"


@pytest.mark.parametrize(
    "rule",
    [
        'eth_chainId=json:{"result":"0x1"}',
        'eth_call=json:{"result":"0x%s"}' % ("ab" * 32),
        "eth_call=error:3:execution reverted: paused",
    ],
)
async def test_two_rpcs_that_disagree(node: str, tmp_path: Path, rule: str) -> None:
    async with FaultProxy(node, rule) as second, desk(node, tmp_path, second=second.url) as at:
        events = await at.run()
        assert (end(events).exit, codes(events)) == (7, ["rpcs-disagree"])
        assert second.url in told(events)
        assert at.record is None
        assert at.nonce() == 0


async def test_a_second_rpc_that_is_down_is_said_and_holds_nothing_up(node: str, tmp_path: Path) -> None:
    async with FaultProxy(node, "*=status:503") as second, desk(node, tmp_path, second=second.url) as at:
        events = await at.run()
        registered_once(at, end(events))
        rows = {
            event.item.id: event.item for event in events if isinstance(event, Found) and hasattr(event.item, "against")
        }
        assert (rows["chain"].state, rows["chain"].against) == ("warn", "1 RPC")
        assert "the second RPC is silent" in rows["chain"].full


# After the broadcast


async def test_a_nonce_gap_is_pending_and_never_sent_again(node: str, tmp_path: Path) -> None:
    rule = 'eth_getTransactionCount=json:{"result":"0x1"}*1'
    # The batch meets the rule once and is asked one by one; the second time the count is the node's own.
    async with (
        FaultProxy(node, rule.replace("*1", "*2")) as proxy,
        desk(node, tmp_path, through=proxy.url) as at,
    ):
        events = await at.run()
        assert (end(events).exit, codes(events)) == (9, ["still-pending"])
        first = at.record
        assert first is not None
        assert (first.nonce, at.nonce(), at.models()) == (1, 0, [])
        again = await at.run()
        assert codes(again) == ["still-pending"]
        assert proxy.count(SEND) == 1
        ask(node, "anvil_impersonateAccount", AUTHOR)
        ask(node, "eth_sendTransaction", {"from": AUTHOR, "to": AUTHOR, "value": "0x0"})
        last = end(await at.run())
        assert last.ok
        assert at.models() == [at.predicted]
        assert at.nonce() == 2
        assert at.record is not None
        assert at.record.tx_hash == first.tx_hash


async def test_a_block_that_is_rebuilt_without_it(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        ask(node, "anvil_mine", "0x3")
        registered_once(at, end(await at.run()))
        mined = at.record
        assert mined is not None
        ask(node, "anvil_reorg", 1, [])
        assert at.models() == []
        events = await at.run()
        assert "rebuilt without it" in told(events)
        registered_once(at, end(events))
        assert at.record is not None
        assert at.record.tx_hash == mined.tx_hash


class Slow(Author):
    """An author who takes long to confirm: the engine is paused meanwhile."""

    def __init__(self, node: str) -> None:
        super().__init__(addr=AUTHOR, fee="0.0035")
        self.node = node

    async def __call__(self, question: Question) -> str:
        if question.id == "confirm":
            before = int(ask(self.node, "eth_getStorageAt", REHEARSAL.engine, PAUSED_SLOT, "latest"), 16)
            ask(self.node, "anvil_setStorageAt", REHEARSAL.engine, PAUSED_SLOT, f"0x{before | 1 << 160:064x}")
        return await super().__call__(question)


PAUSED_SLOT = hex(103)
"""`paused` is byte 20 of this slot, as on the live engine."""


async def test_paused_between_the_review_and_the_signature(
    node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "STALE", -1.0)
    async with desk(node, tmp_path) as at:
        author = Slow(node)
        events = [event async for event in at.walk.run("register", author)]
        assert (end(events).exit, codes(events)) == (7, ["engine-paused"])
        assert "password" not in [question.id for question in author.asked]
        assert at.record is None
        assert at.nonce() == 0


async def test_registered_by_the_same_account_from_elsewhere_is_a_success(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        registered_once(at, end(await at.run()))
        at.walk.journey = at.walk.store.apply(RegisterRecord(state="failed"))
        events = await at.run()
        done = end(events)
        assert done.ok
        assert done.result["already"] is True
        assert f"already yours since block {done.result['block']}" in told(events)
        assert done.result["entry"]
        json.dumps(done.result)
        assert at.nonce() == 1
