"""What a bad RPC, a bad network and a hostile node do: words and no key, one broadcast and never two."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.errors import BadInput, Failure, InsufficientFunds, NotReady, TransactionFailed, WrongChain
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.chain import open_chain
from arbius_tui.services.rpc_errors import REFUSALS, UNCLEAR, Redactor, Refused, failure
from tests.services.chains import ETHER, Stage, anvil_stage, ask, sign
from tests.services.fault_proxy import FaultProxy

SEND = "eth_sendRawTransaction"
NOWHERE = "http://127.0.0.1:9"
KEY = "s3cr3tApiKey0123456789"


@pytest.fixture
async def stage(anvil: str) -> AsyncIterator[Stage]:
    async with anvil_stage(anvil) as found:
        await found.fund(found.author, ETHER)
        yield found


@pytest.fixture
async def signed(stage: Stage) -> tuple[str, str]:
    """A registration, signed and not sent: raw bytes and hash."""
    return sign((await stage.chain.quote(stage.registration())).transaction)


async def status_through(*rules: str, limit: float = 20) -> Failure:
    """The failure of `status()` through a proxy with these rules, at a URL with a key in its path and query."""
    async with (
        FaultProxy(NOWHERE, *rules) as proxy,
        open_chain(f"{proxy.url}/v2/{KEY}?apikey={KEY}", REHEARSAL, limit=limit) as chain,
    ):
        with pytest.raises(Failure) as caught:
            await chain.status()
        assert KEY not in repr(astuple(caught.value.problem))
        assert KEY not in chain.where
        assert caught.value.problem.why
        assert caught.value.problem.fix is not None
        # Nothing of the library's own exception, which has the URL in it, can be printed with a traceback.
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        return caught.value


# Reading


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("*=status:429", "rpc-busy"),
        ("*=status:503:<html>try later</html>", "rpc-down"),
        ("*=status:500", "rpc-down"),
        ("*=status:401:key {key} unknown", "rpc-denied"),
        ("*=status:403", "rpc-denied"),
        ("*=status:404", "rpc-not-found"),
        ("*=html", "rpc-garbled"),
        ("*=redirect:http://127.0.0.1:9/elsewhere", "rpc-garbled"),
        ("*=refuse", "rpc-lost"),
        ("*=error:-32005:daily request count exceeded, request rate limited", "rpc-busy"),
        ("*=error:-32000:Must be authenticated! key {key}", "rpc-denied"),
        ("*=error:-32601:the method eth_chainId does not exist/is not available", "rpc-method"),
        ("*=error:-32601:nope", "rpc-method"),
        ("*=error:-32603:something {key} odd\x1b]52;c;aGk=\x07", "rpc-refused"),
    ],
)
async def test_a_bad_answer_is_named(rule: str, code: str) -> None:
    found = await status_through(rule.replace("{key}", KEY))
    assert isinstance(found, NotReady)
    assert found.problem.code == code
    assert "\x1b" not in repr(found.problem.detail)


async def test_nothing_listens() -> None:
    async with FaultProxy(NOWHERE) as closed:
        url = closed.url
    async with open_chain(f"{url}/v2/{KEY}", REHEARSAL) as chain:
        with pytest.raises(NotReady) as caught:
            await chain.status()
    assert caught.value.problem.code == "rpc-unreachable"
    assert url in caught.value.problem.what
    assert KEY not in repr(caught.value.problem)


async def test_an_rpc_that_hangs_is_given_up() -> None:
    assert (await status_through("*=hang", limit=0.3)).problem.code == "rpc-timeout"


async def test_half_an_answer(anvil: str) -> None:
    async with FaultProxy(anvil, "*=truncate") as proxy, open_chain(proxy.url, REHEARSAL) as chain:
        with pytest.raises(NotReady) as caught:
            await chain.status()
    assert caught.value.problem.code == "rpc-lost"


async def test_an_rpc_without_a_chain_id_is_the_wrong_chain() -> None:
    found = await status_through("eth_chainId=null")
    assert isinstance(found, WrongChain)
    assert found.problem.what == "this RPC does not say which chain it is"


async def test_another_chain_id() -> None:
    found = await status_through('eth_chainId=json:{"result":"0x1"}')
    assert found.problem.what == "this RPC is Ethereum (1), not Rehearsal (31337)"


async def test_a_passing_trouble_is_waited_out(anvil: str) -> None:
    async with (
        FaultProxy(anvil, "eth_chainId=status:429*1", "eth_blockNumber=refuse*1") as proxy,
        open_chain(proxy.url, REHEARSAL) as chain,
    ):
        assert (await chain.status()).version == 6
        assert proxy.count("eth_chainId") == 3  # all questions in one request, which met both troubles


@pytest.mark.parametrize(
    "members",
    [
        {"result": "nonsense"},
        {"result": {}},
        {"result": []},
        {"result": "0x"},
        {"result": 7.5},
        {},
        {"error": "text"},
        {"error": {"code": 3}},
        {"error": {"code": 3, "message": "execution reverted", "data": "0x4e487b71ff"}},
        {"error": {"code": 3, "message": "execution reverted", "data": "Reverted 0x08c379a0zz"}},
        {"error": {"code": -32000, "message": "execution reverted", "data": {"originalError": {"data": "0x9e87fac8"}}}},
        {"error": {"code": 3, "message": "execution reverted", "data": "0x556f1830" + "00" * 200}},
    ],
)
@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas", "eth_getBlockByNumber", "eth_getBalance"])
async def test_no_answer_is_mad_enough_for_a_traceback(stage: Stage, anvil: str, method: str, members: Any) -> None:
    async with (
        FaultProxy(anvil, f"{method}=json:{json.dumps(members)}") as proxy,
        open_chain(proxy.url, REHEARSAL) as chain,
    ):
        with pytest.raises(Failure) as caught:
            await chain.quote(stage.registration())
        assert caught.value.problem.what
        assert not isinstance(caught.value, InsufficientFunds)


async def test_a_reason_that_the_service_dropped(stage: Stage, anvil: str) -> None:
    async with (
        FaultProxy(anvil, "eth_call=error:3:execution reverted") as proxy,
        open_chain(proxy.url, REHEARSAL) as chain,
    ):
        with pytest.raises(TransactionFailed) as caught:
            await chain.quote(stage.registration())
    assert caught.value.problem.code == "reverted"
    assert "without a reason" in caught.value.problem.what


async def test_reverts_with_strings_of_older_engines(stage: Stage, anvil: str) -> None:
    async with (
        FaultProxy(anvil, "eth_call=error:3:execution reverted: model already registered") as proxy,
        open_chain(proxy.url, REHEARSAL) as chain,
    ):
        with pytest.raises(TransactionFailed) as caught:
            await chain.quote(stage.registration())
    assert caught.value.problem.code == "already-registered"


async def test_an_offchain_lookup_fetches_nothing(stage: Stage, anvil: str) -> None:
    from eth_abi.abi import encode

    async with FaultProxy(anvil, "*=html") as bait:
        lookup = encode(
            ["address", "string[]", "bytes", "bytes4", "bytes"],
            [REHEARSAL.engine, [f"{bait.url}/{{sender}}/{{data}}"], b"", b"1234", b""],
        )
        data = "0x556f1830" + lookup.hex()
        error = json.dumps({"error": {"code": 3, "message": "execution reverted", "data": data}})
        async with FaultProxy(anvil, f"eth_call=json:{error}") as proxy, open_chain(proxy.url, REHEARSAL) as chain:
            with pytest.raises(Failure):
                await chain.quote(stage.registration())
        assert bait.seen == []


# Sending


async def test_a_lost_answer_is_one_transaction_that_is_found_by_its_hash(
    stage: Stage, anvil: str, signed: tuple[str, str]
) -> None:
    raw, tx_hash = signed
    async with FaultProxy(anvil, f"{SEND}=lose-answer*1") as proxy, open_chain(proxy.url, REHEARSAL) as chain:
        with pytest.raises(TransactionFailed) as caught:
            await chain.send(raw)
        assert caught.value.problem.code == UNCLEAR
        assert caught.value.exit_code == 9
        assert proxy.count(SEND) == 1

        assert await chain.known(tx_hash)
        receipt = await chain.receipt(tx_hash, 10)
        assert receipt is not None
        assert receipt.ok
        assert await chain.send(raw) == tx_hash  # the same bytes once more change nothing
    assert await stage.chain.nonce(stage.author) == 1
    assert int(ask(anvil, "eth_getBlockTransactionCountByNumber", hex(receipt.block)), 16) == 1


@pytest.mark.parametrize(
    "rule",
    [
        "refuse",
        "truncate",
        "html",
        "status:502",
        "null",
        'json:{"result":"0x1234"}',
        "error:-32000:context deadline exceeded",
    ],
)
async def test_an_unclear_answer_is_never_repeated(
    stage: Stage, anvil: str, signed: tuple[str, str], rule: str
) -> None:
    async with FaultProxy(anvil, f"{SEND}={rule}") as proxy, open_chain(proxy.url, REHEARSAL) as chain:
        with pytest.raises(TransactionFailed) as caught:
            await chain.send(signed[0])
        assert caught.value.problem.code == UNCLEAR
        assert proxy.count(SEND) == 1


async def test_a_broadcast_that_hangs_is_unclear(anvil: str, signed: tuple[str, str]) -> None:
    async with (
        FaultProxy(anvil, f"{SEND}=hang") as proxy,
        open_chain(proxy.url, REHEARSAL, limit=20, send_limit=0.3) as chain,
    ):
        with pytest.raises(TransactionFailed) as caught:
            await chain.send(signed[0])
    assert caught.value.problem.code == UNCLEAR


@pytest.mark.parametrize(
    ("rule", "code"),
    [("status:429", "rpc-busy"), ("status:403", "rpc-denied"), ("error:-32005:rate limit reached", "rpc-busy")],
)
async def test_a_broadcast_that_was_turned_away_was_not_sent(
    stage: Stage, anvil: str, signed: tuple[str, str], rule: str, code: str
) -> None:
    async with FaultProxy(anvil, f"{SEND}={rule}") as proxy, open_chain(proxy.url, REHEARSAL) as chain:
        with pytest.raises(NotReady) as caught:
            await chain.send(signed[0])
        assert caught.value.problem.code == code
        assert proxy.count(SEND) == 1
    assert await stage.chain.nonce(stage.author) == 0


async def test_a_redirect_does_not_carry_a_signed_transaction_away(anvil: str, signed: tuple[str, str]) -> None:
    async with FaultProxy(anvil) as thief:
        async with (
            FaultProxy(anvil, f"{SEND}=redirect:{thief.url}/") as proxy,
            open_chain(proxy.url, REHEARSAL) as chain,
        ):
            with pytest.raises(TransactionFailed) as caught:
                await chain.send(signed[0])
        assert caught.value.problem.code == UNCLEAR
        assert thief.seen == []


async def test_nothing_signed_goes_to_another_chain(anvil: str, signed: tuple[str, str]) -> None:
    async with (
        FaultProxy(anvil, 'eth_chainId=json:{"result":"0x1"}') as proxy,
        open_chain(proxy.url, REHEARSAL) as chain,
    ):
        with pytest.raises(WrongChain):
            await chain.send(signed[0])
        assert proxy.count(SEND) == 0


# Following


async def test_troubles_while_waiting_for_a_receipt_are_waited_out(anvil: str, signed: tuple[str, str]) -> None:
    rules = ("eth_getTransactionReceipt=null*2", "eth_getTransactionReceipt=html*1")
    async with FaultProxy(anvil, *rules) as proxy, open_chain(proxy.url, REHEARSAL) as chain:
        receipt = await chain.receipt(await chain.send(signed[0]), 20)
        assert receipt is not None
        assert receipt.ok
        assert proxy.count("eth_getTransactionReceipt") == 4


async def test_a_trouble_that_lasts_is_told(anvil: str, signed: tuple[str, str]) -> None:
    async with FaultProxy(anvil, "eth_getTransactionReceipt=html") as proxy, open_chain(proxy.url, REHEARSAL) as chain:
        with pytest.raises(NotReady) as caught:
            await chain.receipt(await chain.send(signed[0]), 0)
    assert caught.value.problem.code == "rpc-garbled"


@pytest.mark.parametrize("result", ['{"status":"0x1"}', '{"status":"0x1","logs":7}', "[]", "{}"])
async def test_a_mad_receipt(anvil: str, signed: tuple[str, str], result: str) -> None:
    rule = f'eth_getTransactionReceipt=json:{{"result":{result}}}'
    async with FaultProxy(anvil, rule) as proxy, open_chain(proxy.url, REHEARSAL) as chain:
        with pytest.raises(NotReady) as caught:
            await chain.receipt(signed[1], 0)
    assert caught.value.problem.code == "rpc-garbled"


# Opening and closing


@pytest.mark.parametrize(
    "url", ["", "arb1.arbitrum.io/rpc", "ws://127.0.0.1:8546", "http://", "http://a:99999", "/tmp/x"]
)
async def test_what_is_no_rpc_url(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        async with open_chain(url, REHEARSAL):
            pass
    assert caught.value.problem.code == "rpc-url"


async def test_nothing_stays_open(anvil: str) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with open_chain(anvil, REHEARSAL) as chain:
        await chain.status()
    del chain
    gc.collect()
    assert complaints == []


async def test_being_cancelled_is_not_a_failure(anvil: str) -> None:
    async with FaultProxy(anvil, "*=hang") as proxy, open_chain(proxy.url, REHEARSAL) as chain:
        task = asyncio.create_task(chain.status())
        await proxy.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# Words


NODE_TEXTS = [
    ("nonce too low", "nonce-too-low"),
    ("nonce too low: address 0x1, tx: 0 state: 1", "nonce-too-low"),
    ("nonce too high: address 0x1, tx: 5 state: 1", "nonce-too-high"),
    ("already known", "already-known"),
    ("transaction already imported", "already-known"),
    ("Insufficient funds for gas * price + value", "insufficient-funds"),
    ("insufficient funds for gas * price + value: address 0x1 have 1 want 2", "insufficient-funds"),
    ("invalid chain id for signer", "wrong-chain"),
    ("invalid sender: invalid chain id for signer: have 1 want 2", "wrong-chain"),
    ("max fee per gas less than block base fee", "fee-too-low"),
    ("max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 2", "fee-too-low"),
    ("intrinsic gas too low", "gas-limit"),
    ("exceeds block gas limit", "gas-limit"),
    ("replacement transaction underpriced", "underpriced"),
    ("oversized data", "transaction-too-big"),
    ("context deadline exceeded", UNCLEAR),
    ("execution reverted: paused", "engine-paused"),
    ("a new sort of refusal", "rpc-refused"),
]


@pytest.mark.parametrize(("text", "code"), NODE_TEXTS)
def test_the_words_of_nodes(text: str, code: str) -> None:
    for said in (text, text.upper()):
        found = failure(Refused({"code": -32000, "message": said}), SEND, Redactor())
        assert found.problem.code == code
        assert found.problem.why
        assert found.problem.fix is not None


def test_every_refusal_is_reached_by_some_text() -> None:
    reached = {code for _, code in NODE_TEXTS} | {"rpc-busy", "rpc-denied", "rpc-method"}
    assert {refusal.code for refusal in REFUSALS} <= reached


@pytest.mark.parametrize(
    ("url", "where"),
    [
        (f"https://user:{KEY}@node.example:8545/x", "https://node.example:8545"),
        (f"https://arb.example/v2/{KEY}", "https://arb.example"),
        (f"https://arb.example/rpc?apikey={KEY}", "https://arb.example"),
        ("", "the embedded chain"),
    ],
)
def test_a_url_is_shown_without_its_key(url: str, where: str) -> None:
    redact = Redactor(url)
    assert redact.where == where
    told = redact(f"Cannot connect, url='{url}'; project {KEY if url else ''} rejected (https://x.example/{KEY})")
    assert KEY not in told
    assert KEY not in repr(redact)


@given(st.text(max_size=300))
def test_whatever_an_rpc_says_is_harmless_and_short(text: str) -> None:
    told = Redactor(f"https://arb.example/v2/{KEY}")(f"{KEY}{text}https://arb.example/v2/{KEY} {text}" * 3)
    assert KEY not in told
    assert "\x1b" not in told
    assert len(told) < 900
