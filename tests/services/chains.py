"""The two chains that the same tests run on: anvil, a real node over HTTP, and the chain of the rehearsal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from arbius_tui.domain.engine import selector
from arbius_tui.domain.networks import Network
from arbius_tui.rehearsal.chain import REHEARSAL, EmbeddedChain, genesis, play_address, play_key
from arbius_tui.services.chain import RpcChain, open_chain
from arbius_tui.services.ports import Quote, Registration

AUTHOR_KEY = bytes.fromhex("a7" * 32)
"""Made up for these tests."""

ETHER = 10**18


def address_of(key: bytes) -> str:
    from eth_account import Account

    return str(Account.from_key(key).address)


def sign(transaction: Any, key: bytes = AUTHOR_KEY) -> tuple[str, str]:
    """Raw bytes and hash of a signed transaction, as 0x hex."""
    from eth_account import Account

    signed = Account.sign_transaction(dict(transaction), key)
    return "0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex()


class Fund(Protocol):
    async def __call__(self, address: str, wei: int) -> None: ...


@dataclass
class Stage:
    """A chain under test, and what a test needs to set it up."""

    chain: RpcChain
    fund: Fund
    author: str

    def on(self, network: Network) -> RpcChain:
        """The same node, taken for another network."""
        return RpcChain(self.chain._rpc._provider, network)

    def registration(self, template: bytes = b'{"a":1}\n', **changes: Any) -> Registration:
        base = Registration(self.author, self.author, 3_500_000_000_000_000, template)
        return replace(base, **changes)

    async def send(self, quote: Quote, **changes: Any) -> str:
        """Sign and send what was quoted, changed so; its hash."""
        raw, tx_hash = sign({**quote.transaction, **changes})
        assert await self.chain.send(raw) == tx_hash
        return tx_hash

    async def pause(self) -> None:
        """The engine's pauser pauses it, by a transaction."""
        owner = play_address("owner")
        data = selector("setPaused(bool)") + f"{1:064x}"
        raw, tx_hash = sign(
            {
                "type": 2,
                "chainId": REHEARSAL.chain_id,
                "nonce": await self.chain.nonce(owner),
                "to": REHEARSAL.engine,
                "value": 0,
                "data": data,
                "gas": 100_000,
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": 0,
            },
            play_key("owner"),
        )
        await self.chain.send(raw)
        receipt = await self.chain.receipt(tx_hash, 10)
        assert receipt is not None
        assert receipt.ok


@contextmanager
def anvil_process(binary: str) -> Iterator[str]:
    """A fresh anvil; its URL."""
    command = [binary, "--port", "0", "--chain-id", str(REHEARSAL.chain_id), "--host", "127.0.0.1"]
    # A session of its own: the command is a launcher, and the node is its child.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    # It tells of every request, and stands still when nobody reads that.
    lines = iter(process.stdout.readline, "")
    reader = threading.Thread(target=lambda: [None for _ in lines])
    try:
        found = next(filter(None, (re.search(r"Listening on (\S+)", line) for line in lines)))
        reader.start()
        yield f"http://{found[1]}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
        if reader.ident:
            reader.join(10)
        process.stdout.close()


def ask(url: str, method: str, *params: Any) -> Any:
    """One JSON-RPC call outside the code under test."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        answer = json.load(response)
    assert "error" not in answer, answer
    return answer["result"]


def put_engine(url: str) -> None:
    """Our Engine at its address on an anvil, in the very state of the rehearsal's genesis."""
    for address, account in genesis().items():
        ask(url, "anvil_setBalance", address, hex(account["balance"]))
        if account["code"]:
            ask(url, "anvil_setCode", address, "0x" + bytes(account["code"]).hex())
        for slot, value in account["storage"].items():
            ask(url, "anvil_setStorageAt", address, hex(slot), f"0x{value:064x}")


@asynccontextmanager
async def anvil_stage(url: str) -> AsyncIterator[Stage]:
    """The running anvil, set back afterwards."""
    snapshot = ask(url, "evm_snapshot")

    async def fund(address: str, wei: int) -> None:
        ask(url, "anvil_setBalance", address, hex(wei))

    try:
        async with open_chain(url, REHEARSAL) as chain:
            yield Stage(chain, fund, address_of(AUTHOR_KEY))
    finally:
        ask(url, "evm_setAutomine", True)
        ask(url, "evm_revert", snapshot)


@asynccontextmanager
async def embedded_stage() -> AsyncIterator[Stage]:
    """A fresh embedded chain."""
    async with EmbeddedChain() as embedded:
        yield Stage(RpcChain(embedded.provider, REHEARSAL), embedded.fund, address_of(AUTHOR_KEY))
