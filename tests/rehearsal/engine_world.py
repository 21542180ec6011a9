"""The two places where our Engine is tried: the genesis of the embedded chain, and a real anvil where it was deployed.

An `EngineWorld` is one of them with a client on top: call, send, pause. The same test runs on both.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from eth_account import Account
from web3 import Web3
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from arbius_tui.domain.networks import NETWORKS
from arbius_tui.rehearsal.chain import TREASURY, open_node, play_address, play_key
from arbius_tui.rehearsal.node import Node, artifact
from tests import parts

AUTHOR, OTHER = "0x" + "11" * 32, "0x" + "22" * 32
"""Two keys of the tests; both have play money in every world."""

ONE_ETHER = 10**18
V5_ARTIFACT = Path(__file__).parent / "contracts" / "EngineV5.json"
"""An engine of version 5 in the same shape as Engine.json: it refuses with sentences. Deploy it with `deploy`."""


class OverNode(BaseProvider):
    """A synchronous web3 provider over a node in this process."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        answer: Any = self._node.answer(method, params)
        response: RPCResponse = answer
        return response


class EngineWorld:
    """A chain with an engine, and how a test speaks to it."""

    def __init__(self, name: str, web3: Web3, address: str, abi: Any) -> None:
        self.name, self.web3, self.address = name, web3, address
        self.contract: Any = web3.eth.contract(Web3.to_checksum_address(address), abi=abi)

    def call(self, function: str, *args: Any, sender: str = AUTHOR) -> Any:
        return self.contract.get_function_by_name(function)(*args).call({"from": Account.from_key(sender).address})

    def estimate(self, function: str, *args: Any, sender: str = AUTHOR) -> int:
        made = self.contract.get_function_by_name(function)(*args)
        found: int = made.estimate_gas({"from": Account.from_key(sender).address})
        return found

    def send(self, function: str, *args: Any, sender: str | bytes = AUTHOR, gas: int | None = None) -> Any:
        """Sign and send; the receipt, whatever its status."""
        made = self.contract.get_function_by_name(function)(*args)
        return send(self.web3, made, sender, gas)

    def pause(self, paused: bool = True) -> None:
        assert self.send("setPaused", paused, sender=play_key("owner")).status == 1

    def refused(self, function: str, *args: Any, sender: str = AUTHOR) -> str:
        """The revert data of a call that must revert: 0x and eight digits, or an Error(string)."""
        from web3.exceptions import ContractLogicError

        try:
            result = self.call(function, *args, sender=sender)
        except ContractLogicError as error:
            return str(error.data)
        raise AssertionError(f"{function} did not revert but returned {result!r}")


def send(web3: Web3, made: Any, sender: str | bytes, gas: int | None = None) -> Any:
    """Sign and send a contract call or a constructor; the receipt."""
    account = Account.from_key(sender)
    fields = {
        "from": account.address,
        "nonce": web3.eth.get_transaction_count(account.address),
        "chainId": web3.eth.chain_id,
        "maxFeePerGas": 2 * 10**9,
        "maxPriorityFeePerGas": 0,
    }
    transaction = made.build_transaction(fields | ({"gas": gas} if gas else {}))
    tx_hash = web3.eth.send_raw_transaction(account.sign_transaction(transaction).raw_transaction)
    return web3.eth.wait_for_transaction_receipt(tx_hash, timeout=30, poll_latency=0.02)


def deploy(web3: Web3, found: dict[str, Any], *args: Any) -> EngineWorld:
    """Deploy an artifact from the owner's account."""
    made = web3.eth.contract(abi=found["abi"], bytecode=found["bytecode"]).constructor(*args)
    receipt = send(web3, made, play_key("owner"))
    assert receipt.status == 1
    return EngineWorld("deployed", web3, receipt.contractAddress, found["abi"])


def embedded() -> EngineWorld:
    """Our engine in the genesis of a chain in memory."""
    web3 = Web3(OverNode(open_node(None)))
    engine = EngineWorld("embedded", web3, NETWORKS["rehearsal"].engine, artifact()["abi"])
    for key in (AUTHOR, OTHER):
        account = Account.from_key(play_key("faucet"))
        paid = account.sign_transaction(
            {
                "chainId": web3.eth.chain_id,
                "nonce": web3.eth.get_transaction_count(account.address),
                "to": Account.from_key(key).address,
                "value": ONE_ETHER,
                "gas": 21_000,
                "maxFeePerGas": 2 * 10**9,
                "maxPriorityFeePerGas": 0,
            }
        )
        web3.eth.send_raw_transaction(paid.raw_transaction)
    return engine


@contextmanager
def anvil() -> Iterator[EngineWorld]:
    """Our engine, deployed by its constructor on a real anvil with the same settings."""
    with run_anvil() as url:
        web3 = Web3(Web3.HTTPProvider(url))
        for address in (play_address("owner"), *(Account.from_key(key).address for key in (AUTHOR, OTHER))):
            web3.provider.make_request(RPCEndpoint("anvil_setBalance"), [address, hex(ONE_ETHER)])
        token, nobody = NETWORKS["rehearsal"].token, "0x" + 40 * "0"
        world = deploy(web3, artifact(), play_address("owner"), TREASURY, token, nobody)
        world.name = "anvil"
        yield world


@contextmanager
def run_anvil(*options: str) -> Iterator[str]:
    """A real anvil on a free port of loopback, ended with the block; its URL."""
    command = [parts.need("anvil"), "--port", "0", "--host", "127.0.0.1", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            listening = (re.search(r"Listening on (127\.0\.0\.1:\d+)", line) for line in lines)
            found = next(filter(None, listening), None)
            assert found, "anvil ended before it listened"
            # It logs each request: with nobody to read them the pipe fills, and anvil stands still.
            Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
            yield f"http://{found[1]}"
        finally:
            # The npm wrapper hands SIGTERM on to the binary.
            process.terminate()


def content(size: int) -> bytes:
    """That many bytes of 4-byte big-endian counters, as in the golden vectors of the facts."""
    return b"".join(n.to_bytes(4, "big") for n in range(size // 4 + 1))[:size]


def v5() -> dict[str, Any]:
    """The artifact of the engine of version 5."""
    found: dict[str, Any] = json.loads(V5_ARTIFACT.read_text(encoding="utf-8"))
    return found
