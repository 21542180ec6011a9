"""The embedded chain: what it answers, what it keeps, and that it is found again after a kill -9."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from web3 import AsyncWeb3

from arbius_tui.domain.engine import call_data, register_calldata
from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.rehearsal import chain as chain_module
from arbius_tui.rehearsal.chain import EmbeddedChain, open_node, play_address, play_key
from arbius_tui.rehearsal.node import GAS_LIMIT, Node

AUTHOR = Account.from_key("0x" + "11" * 32)
STRANGER = "0x" + "22" * 20
ENGINE = NETWORKS["rehearsal"].engine
ETHER = 10**18
REGISTRATION = register_calldata(AUTHOR.address, 0, b"{}\n")


def signed(data: str = REGISTRATION, **changes: Any) -> Any:
    """A complete, signed transaction of the author's to the engine."""
    fields = {
        "chainId": 31337,
        "nonce": 0,
        "to": ENGINE,
        "data": data,
        "value": 0,
        "gas": 300_000,
        "maxFeePerGas": 2 * 10**9,
        "maxPriorityFeePerGas": 0,
    }
    fields |= changes
    return AUTHOR.sign_transaction({name: value for name, value in fields.items() if value is not None})


async def send(chain: EmbeddedChain, transaction: Any) -> dict[str, Any]:
    return await chain.request("eth_sendRawTransaction", ["0x" + bytes(transaction.raw_transaction).hex()])


@pytest.fixture(scope="module")
def shared() -> Node:
    """One chain in memory; the author has an ether."""
    node = open_node(None)
    node.mine(chain_module._payment(node, AUTHOR.address, ETHER))
    return node


@pytest.fixture
def node(shared: Node) -> Iterator[Node]:
    """That chain, as it was, for each test."""
    snapshot = shared.request("evm_snapshot", [])
    yield shared
    shared.request("evm_revert", [snapshot])


def refusal(node: Node, transaction: Any) -> str:
    answer = node.answer("eth_sendRawTransaction", ["0x" + bytes(transaction.raw_transaction).hex()])
    assert answer["error"]["code"] == -32000
    assert "data" not in answer["error"]
    return str(answer["error"]["message"])


def test_importing_it_loads_nothing_heavy() -> None:
    program = "import sys, arbius_tui.rehearsal.chain; print([m for m in ('web3', 'eth', 'eth_tester', 'eth_account', 'eth_utils') if m in sys.modules])"  # noqa: E501 - a program
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


async def test_warm_loads_what_opening_needs() -> None:
    await chain_module.warm()
    assert {"web3", "eth_account", "eth_tester"} <= set(sys.modules)


async def test_it_looks_like_a_node_to_web3() -> None:
    async with EmbeddedChain() as chain:
        web3: Any = AsyncWeb3(chain.provider)
        assert await web3.eth.chain_id == chain.chain_id == 31337
        assert await web3.eth.block_number == 0
        assert await web3.eth.max_priority_fee == 0
        assert (await web3.eth.get_block("latest"))["gasLimit"] == GAS_LIMIT == 32_000_000
        assert len(await web3.eth.get_code(chain.engine)) > 1_000
        assert await web3.eth.gas_price == (await web3.eth.get_block("pending"))["baseFeePerGas"]
        assert await web3.eth.accounts == []
        assert await web3.is_connected()


async def test_an_account_is_funded_by_an_ordinary_transaction() -> None:
    async with EmbeddedChain() as chain:
        web3: Any = AsyncWeb3(chain.provider)
        await chain.fund(AUTHOR.address, ETHER)
        assert await web3.eth.get_balance(AUTHOR.address) == ETHER
        (paid,) = (await web3.eth.get_block("latest", full_transactions=True))["transactions"]
        assert (paid["from"], paid["to"], paid["value"]) == (play_address("faucet"), AUTHOR.address, ETHER)


@pytest.mark.parametrize(("address", "wei"), [("0x12", 1), (STRANGER, 0), (STRANGER, -1), ("arbius.eth", 1)])
async def test_no_play_money_for_nobody(address: str, wei: int) -> None:
    async with EmbeddedChain() as chain:
        with pytest.raises(BadInput) as caught:
            await chain.fund(address, wei)
        assert caught.value.problem.code == "bad-address"


async def test_it_is_used_only_while_it_is_open() -> None:
    chain = EmbeddedChain()
    with pytest.raises(RuntimeError):
        _ = chain.provider
    async with chain:
        assert chain.provider
    with pytest.raises(RuntimeError):
        await chain.request("eth_chainId", [])


async def test_the_evm_works_in_a_thread_of_its_own() -> None:
    """64 KiB of template take py-evm a while; the loop that draws the screen has none of it to do."""
    ran: list[threading.Thread] = []
    async with EmbeddedChain() as chain:
        await chain.fund(AUTHOR.address, ETHER)
        assert chain._node is not None
        chain._node.keep = lambda _: ran.append(threading.current_thread())
        turns = 0
        task = asyncio.create_task(send(chain, signed(register_calldata(STRANGER, 0, b"x" * 65_536), gas=3_000_000)))
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        assert "result" in task.result()
    assert ran[0].name.startswith("rehearsal-chain")
    assert turns > 1


async def test_a_cancelled_call_leaves_the_chain_usable() -> None:
    async with EmbeddedChain() as chain:
        await chain.fund(AUTHOR.address, ETHER)
        task = asyncio.create_task(chain.request("eth_call", [{"to": ENGINE, "data": REGISTRATION}]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert "result" in await send(chain, signed())


def test_a_revert_is_a_json_rpc_error_with_its_data(node: Node) -> None:
    node.request("eth_sendRawTransaction", ["0x" + bytes(signed().raw_transaction).hex()])
    call = {"from": AUTHOR.address, "to": ENGINE, "data": REGISTRATION}
    for method in ("eth_call", "eth_estimateGas"):
        error = node.answer(method, [call])["error"]
        assert error == {"code": 3, "message": "execution reverted", "data": "0x78ea387c"}
    too_big = {"to": ENGINE, "data": register_calldata_unchecked(65_537)}
    error = node.answer("eth_call", [too_big, "latest"])["error"]
    assert error["message"] == "execution reverted: Max content size is 65536 bytes"
    assert error["data"].startswith("0x08c379a0")


def register_calldata_unchecked(size: int) -> str:
    """Calldata that the client itself would refuse to make."""
    return call_data("registerModel", AUTHOR.address, 0, b"x" * size)


def test_calls_are_free_and_need_no_sender(node: Node) -> None:
    call = {"to": ENGINE, "data": call_data("version"), "maxFeePerGas": hex(10**12)}
    assert int(node.request("eth_call", [call, "latest"]), 16) == 6
    assert int(node.request("eth_call", [call | {"from": STRANGER}]), 16) == 6
    assert node.request("eth_estimateGas", [{"from": AUTHOR.address, "to": STRANGER, "value": 1}]) == 21_000


def test_a_call_cannot_move_money_that_is_not_there(node: Node) -> None:
    error = node.answer("eth_call", [{"from": STRANGER, "to": AUTHOR.address, "value": 1}])["error"]
    assert error["code"] == -32000
    assert error["message"].startswith("insufficient funds for transfer")


def test_a_call_that_runs_out_of_gas_says_so(node: Node) -> None:
    call = {"from": AUTHOR.address, "to": ENGINE, "data": REGISTRATION, "gas": 60_000}
    assert "gas" in node.answer("eth_call", [call])["error"]["message"].lower()


def test_an_old_block_is_called_as_it_was(node: Node) -> None:
    node.request("eth_sendRawTransaction", ["0x" + bytes(signed().raw_transaction).hex()])
    call = {"from": AUTHOR.address, "to": ENGINE, "data": REGISTRATION}
    head = node.request("eth_blockNumber", [])
    assert node.answer("eth_call", [call, head])["error"]["data"] == "0x78ea387c"
    assert "result" in node.answer("eth_call", [call, head - 1])
    assert node.answer("eth_call", [call, head + 5])["error"]["message"] == "header not found"


def test_an_estimate_knows_the_calldata_floor(node: Node) -> None:
    """EIP-7623: 10 gas for a zero byte and 40 for any other. All but the template is less than 200 bytes here."""
    call = {"from": AUTHOR.address, "to": ENGINE, "data": register_calldata(AUTHOR.address, 0, b"x" * 16_384)}
    data = bytes.fromhex(call["data"][2:])
    floor = 21_000 + sum(40 if byte else 10 for byte in data)
    assert node.request("eth_estimateGas", [call]) == floor
    assert refusal(node, signed(call["data"], gas=floor - 1)).startswith("intrinsic gas too low: have")


@pytest.mark.parametrize("changes", [{}, {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 2 * 10**9}])
def test_a_transaction_for_another_chain_is_refused(node: Node, changes: Mapping[str, Any]) -> None:
    text = refusal(node, signed(chainId=42161, **changes))
    assert text == "invalid sender: invalid chain id for signer: have 42161 want 31337"


def test_a_nonce_that_is_not_the_next_is_refused(node: Node) -> None:
    assert refusal(node, signed(nonce=1)) == f"nonce too high: address {AUTHOR.address}, tx: 1 state: 0"
    node.request("eth_sendRawTransaction", ["0x" + bytes(signed().raw_transaction).hex()])
    assert refusal(node, signed()) == f"nonce too low: address {AUTHOR.address}, tx: 0 state: 1"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"value": 2 * ETHER}, "insufficient funds for gas * price + value: address"),
        ({"gas": 30_000_000, "maxFeePerGas": 10**12}, "insufficient funds for gas * price + value: address"),
        ({"gas": 33_000_000}, "exceeds block gas limit: have 33000000, limit 32000000"),
        ({"gas": 21_000}, "intrinsic gas too low: have 21000"),
        ({"maxFeePerGas": 1}, "max fee per gas less than block base fee: maxFeePerGas: 1, baseFee:"),
        ({"maxPriorityFeePerGas": 3 * 10**9}, "max priority fee per gas higher than max fee per gas"),
    ],
)
def test_what_a_pool_refuses(node: Node, changes: Mapping[str, Any], text: str) -> None:
    assert refusal(node, signed(**changes)).startswith(text)


@pytest.mark.parametrize("raw", ["0x", "0x02", "0x02c0", "0x05c0", "0xdeadbeef"])
def test_bytes_that_are_no_transaction(node: Node, raw: str) -> None:
    assert node.answer("eth_sendRawTransaction", [raw])["error"]["message"].startswith("invalid transaction")


@pytest.mark.parametrize("params", [[], [{"to": "nowhere"}], [{"gas": "x"}], [{"value": -1}], [{}, "never"]])
def test_bad_parameters_are_an_error_of_the_caller(node: Node, params: list[Any]) -> None:
    assert node.answer("eth_call", params)["error"]["code"] == -32602


@pytest.mark.parametrize("method", ["eth_sendTransaction", "eth_sign", "personal_sign", "nonsense"])
def test_it_signs_nothing_itself(node: Node, method: str) -> None:
    assert node.answer(method, [{}])["error"]["code"] == -32601


def test_an_unknown_transaction_is_null(node: Node) -> None:
    unknown = "0x" + 64 * "7"
    assert node.answer("eth_getTransactionByHash", [unknown])["result"] is None
    assert node.answer("eth_getTransactionReceipt", [unknown])["result"] is None


# What is kept


def lines(folder: Path) -> list[bytes]:
    return (folder / "chain.jsonl").read_bytes().splitlines(keepends=True)


async def grown(folder: Path) -> str:
    """A chain in this folder with a funded author and one registration; its hash. Left without being closed."""
    chain = await EmbeddedChain(folder).__aenter__()
    await chain.fund(AUTHOR.address, ETHER)
    answer = await send(chain, signed())
    return str(answer["result"])


async def test_a_chain_that_was_dropped_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    tx_hash = await grown(folder)
    async with EmbeddedChain(folder) as chain:
        web3: Any = AsyncWeb3(chain.provider)
        receipt = await web3.eth.get_transaction_receipt(tx_hash)
        assert (receipt["status"], receipt["blockNumber"]) == (1, 2)
        assert await web3.eth.get_transaction_count(AUTHOR.address) == 1
        model = "0x" + bytes(receipt["logs"][0]["topics"][1]).hex()
        found = await chain.request("eth_call", [{"to": ENGINE, "data": call_data("models", bytes.fromhex(model[2:]))}])
        assert AUTHOR.address[2:].lower() in found["result"]
        assert "result" in await send(chain, signed(register_calldata(AUTHOR.address, 1, b"{}\n"), nonce=1))
    assert [list(json.loads(line)) for line in lines(folder)] == [["raw"]] * 3


async def test_only_the_owner_of_the_file_reads_it(tmp_path: Path) -> None:
    await grown(tmp_path)
    path = tmp_path / "chain.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    async with EmbeddedChain(tmp_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_refused_transaction_is_not_kept(tmp_path: Path) -> None:
    async with EmbeddedChain(tmp_path) as chain:
        assert "error" in await send(chain, signed())
    assert lines(tmp_path) == []


async def test_a_mined_revert_is_kept(tmp_path: Path) -> None:
    await grown(tmp_path)
    async with EmbeddedChain(tmp_path) as chain:
        answer = await send(chain, signed(nonce=1))
    async with EmbeddedChain(tmp_path) as chain:
        web3: Any = AsyncWeb3(chain.provider)
        assert (await web3.eth.get_transaction_receipt(answer["result"]))["status"] == 0


@pytest.fixture(scope="module")
def two_lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What `grown` leaves: a payment and a registration."""
    folder = tmp_path_factory.mktemp("grown")
    asyncio.run(grown(folder))
    return lines(folder)


@pytest.mark.parametrize("cut", [1, 2, 100])
async def test_a_torn_last_line_was_never_answered_and_is_cut_off(
    tmp_path: Path, two_lines: list[bytes], cut: int
) -> None:
    kept, tx_hash = two_lines, "0x" + bytes(signed().hash).hex()
    (tmp_path / "chain.jsonl").write_bytes(b"".join(kept)[:-cut])
    async with EmbeddedChain(tmp_path) as chain:
        answer = await chain.request("eth_getTransactionByHash", [tx_hash])
        assert answer["result"] is None
        assert lines(tmp_path) == kept[:1]
        assert (await send(chain, signed()))["result"] == tx_hash
    assert lines(tmp_path) == kept


@pytest.mark.parametrize(
    "damage",
    [b"rubbish\n", b"\n", b"[]\n", b'{"raw": 7}\n', b'{"raw": "0xzz"}\n', b'{"raw": "0x02c0"}\n', b"\xff\x00\n", b""],
    ids=["rubbish", "empty", "list", "number", "no-hex", "no-transaction", "binary", "missing"],
)
async def test_a_damaged_line_is_a_failure_with_words(tmp_path: Path, two_lines: list[bytes], damage: bytes) -> None:
    (tmp_path / "chain.jsonl").write_bytes(damage + two_lines[1])
    with pytest.raises(NotReady) as caught:
        async with EmbeddedChain(tmp_path):
            pass
    problem = caught.value.problem
    assert problem.code == "rehearsal-damaged"
    assert "line 1 of" in problem.what
    assert problem.fix is not None
    assert problem.fix.command == f"rm -r {tmp_path}"
    assert (tmp_path / "chain.jsonl").read_bytes() == damage + two_lines[1]


async def test_a_full_disk_refuses_the_transaction_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await grown(tmp_path)
    kept = lines(tmp_path)
    second = signed(register_calldata(AUTHOR.address, 1, b"{}\n"), nonce=1)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with EmbeddedChain(tmp_path) as chain:
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            error = (await send(chain, second))["error"]
            with pytest.raises(NotReady) as caught:
                await chain.fund(STRANGER, 1)
        assert "cannot be kept" in error["message"]
        assert caught.value.problem.code == "rehearsal-folder"
        assert "No space left" in caught.value.problem.detail
        assert lines(tmp_path) == kept
        web3: Any = AsyncWeb3(chain.provider)
        assert await web3.eth.get_transaction_count(AUTHOR.address) == 1
        assert "result" in await send(chain, second)


async def test_a_second_chain_in_the_same_folder_cannot_mix_in(tmp_path: Path) -> None:
    async with EmbeddedChain(tmp_path) as one, EmbeddedChain(tmp_path) as other:
        await one.fund(AUTHOR.address, ETHER)
        with pytest.raises(NotReady) as caught:
            await other.fund(STRANGER, ETHER)
        assert "another program has changed the file" in caught.value.problem.detail
    assert len(lines(tmp_path)) == 1


async def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotReady) as caught:
        async with EmbeddedChain(tmp_path / "file"):
            pass
    assert caught.value.problem.code == "rehearsal-folder"


CHILD = """
import asyncio, sys
from pathlib import Path
from arbius_tui.rehearsal.chain import EmbeddedChain
async def main():
    async with EmbeddedChain(Path(sys.argv[1])) as chain:
        await chain.fund(sys.argv[2], 10**18)
        answer = await chain.request("eth_sendRawTransaction", [sys.argv[3]])
        print(answer["result"], flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def test_kill_9_after_the_answer_loses_nothing(tmp_path: Path) -> None:
    raw = "0x" + bytes(signed().raw_transaction).hex()
    command = [sys.executable, "-c", CHILD, tmp_path, AUTHOR.address, raw]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        tx_hash = child.stdout.readline().strip()
        child.send_signal(signal.SIGKILL)
    assert open_node(tmp_path).request("eth_getTransactionReceipt", [tx_hash])["status"] == 1


async def test_time_does_not_travel_on_a_chain_that_is_kept(tmp_path: Path) -> None:
    async with EmbeddedChain(tmp_path) as chain:
        assert (await chain.request("evm_snapshot", []))["error"]["code"] == -32601


def test_the_play_keys_are_the_same_on_every_machine() -> None:
    """Else a chain that is built again would have another faucet. They are public, and worth nothing."""
    assert play_address("owner") == "0x532bbd6206b215A426f07774359942D404973f5E"
    assert play_key("owner") != play_key("faucet")
