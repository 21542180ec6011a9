"""The embedded chain: a small node in this process with our Engine where the real one is on Arbitrum One.

Its chain id is its own, so that nothing that is signed here is worth anything elsewhere; a model id has no chain in it
and is the one that Arbitrum One would give. Every transaction is on disk before its hash is answered: the chain of a
wizard that was killed is built again from its transactions, with the same hashes, nonces and models.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from arbius_tui.domain.errors import BadInput, NotReady, TransactionFailed
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.rehearsal.node import RECURSION, TRANSFER_GAS, Node, RpcError, engine_account

if TYPE_CHECKING:
    from web3.providers import AsyncBaseProvider
    from web3.types import RPCEndpoint, RPCResponse

REHEARSAL = NETWORKS["rehearsal"]
"""Its chain id is that of development chains; our own contract lies where the real one is on Arbitrum One."""

TREASURY = "0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA168"
"""What `treasury()` says, as on Arbitrum One."""

WHOLE = 10**18
"""A share of 100 %: by default all model fees go to the treasury, as on Arbitrum One since version 5."""

PLAYERS = ("faucet", "owner")
RICH_WEI = 10**9 * 10**18
JOURNAL = "chain.jsonl"

T = TypeVar("T")


def play_key(role: str) -> bytes:
    """The private key of `faucet` or `owner` on the embedded chain: public by design, and worth nothing anywhere."""
    from eth_utils.crypto import keccak

    return keccak(text=f"arbius-tui rehearsal {role}")


def play_address(role: str) -> str:
    """The address of that key."""
    from eth_account import Account

    address: str = Account.from_key(play_key(role)).address
    return address


async def warm() -> None:
    """Import what the chain needs (more than a second) in a thread, so that opening it later is quick."""
    for name in ("web3", "eth_account", "eth_tester", "eth.vm.forks.prague", "web3.providers.eth_tester.defaults"):
        await asyncio.to_thread(importlib.import_module, name)
    # py-evm lifts this to 100,000; with that, deeply nested JSON from anybody ends Python 3.11 by a fault of memory.
    sys.setrecursionlimit(RECURSION)


class Ledger:
    """The transactions of a chain, one JSON line {"raw": "0x.."} each, in a file that only we read (mode 0600)."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        self._size = 0

    def read(self) -> list[bytes]:
        """All kept transactions. A last line without its end was never answered for: it is cut off."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._create()
            content = self.path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            self._size = len(whole)
            if whole != content:
                os.truncate(self.path, self._size)
        except OSError as error:
            raise self._unusable(error) from error
        return [self._parse(line, number) for number, line in enumerate(whole.splitlines(), 1)]

    def append(self, raw: bytes) -> None:
        """Keep one transaction; on the disk when this returns. NotReady if it cannot be, and then nothing is kept."""
        line = json.dumps({"raw": "0x" + raw.hex()}).encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                self._write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._unusable(error) from error
        self._size += len(line)

    def damaged(self, number: int, detail: str) -> NotReady:
        """The failure for a line that is no transaction of this chain."""
        folder = self.path.parent
        return NotReady(
            "rehearsal-damaged",
            f"The rehearsal chain cannot be read: line {number} of {self.path} is damaged.",
            why="The chain is built again from its transactions, and one that is missing would change all after it.",
            fix="Delete the folder; the rehearsal then starts over with an empty chain. Nothing real is lost.",
            command=f"rm -r {shlex.quote(str(folder))}",
            detail=detail,
        )

    def _create(self) -> None:
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        os.chmod(self.path, 0o600)

    def _write(self, descriptor: int, line: bytes) -> None:
        if os.fstat(descriptor).st_size != self._size:
            raise OSError("another program has changed the file")
        try:
            _write_whole(descriptor, line)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, self._size)
            raise

    def _parse(self, line: bytes, number: int) -> bytes:
        try:
            found = json.loads(line)["raw"]
            return bytes.fromhex(found.removeprefix("0x"))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise self.damaged(number, f"not a line of the form {{'raw': '0x..'}} ({type(error).__name__})") from error

    def _unusable(self, error: OSError) -> NotReady:
        return NotReady(
            "rehearsal-folder",
            f"The rehearsal chain cannot be kept in {self.path.parent}.",
            why="Each of its transactions is written there before it counts, so that nothing is lost.",
            fix="Make the folder writable, make room on the disk, or choose another folder.",
            detail=f"{error.strerror or error}",
        )


def _write_whole(descriptor: int, line: bytes) -> None:
    if os.write(descriptor, line) != len(line):
        raise OSError("only a part could be written: the disk may be full")
    os.fsync(descriptor)


def genesis() -> dict[str, dict[str, Any]]:
    """The accounts of the first block: the engine as its constructor would have left it, its owner, and the faucet."""
    owner = int(play_address("owner"), 16)
    engine = engine_account(
        {
            "owner": owner,
            "pauser": owner,
            "treasury": int(TREASURY, 16),
            "baseToken": int(REHEARSAL.token, 16),
            "version": 6,
            "solutionModelFeePercentage": WHOLE,
        }
    )
    rich = {play_address(role): {"balance": RICH_WEI, "nonce": 0, "code": b"", "storage": {}} for role in PLAYERS}
    return {REHEARSAL.engine: engine, **rich}


def open_node(folder: Path | None) -> Node:
    """The chain as its folder remembers it, or a new one in memory. Slow: call it in a thread."""
    if folder is None:
        return Node(REHEARSAL.chain_id, genesis(), time_travel=True)
    ledger = Ledger(folder)
    kept = ledger.read()
    node = Node(REHEARSAL.chain_id, genesis(), time_travel=False)
    _replay(node, ledger, kept)
    node.keep = ledger.append
    return node


def _replay(node: Node, ledger: Ledger, kept: list[bytes]) -> None:
    for number, raw in enumerate(kept, 1):
        try:
            node.mine(raw)
        except RpcError as error:
            raise ledger.damaged(number, error.message) from error


class EmbeddedChain:
    """A chain with an Engine, for the length of an `async with`.

    `folder` is where its transactions are kept, None for a chain in memory. `provider` is for AsyncWeb3, and answers
    as a node over HTTP would. All work is done in one thread of its own.
    """

    chain_id = REHEARSAL.chain_id
    engine = REHEARSAL.engine

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._node: Node | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._provider: AsyncBaseProvider | None = None

    @property
    def provider(self) -> AsyncBaseProvider:
        """For AsyncWeb3; only while the chain is open."""
        if self._provider is None:
            raise RuntimeError("the embedded chain is used outside its `async with`")
        return self._provider

    async def fund(self, address: str, wei: int) -> None:
        """Pay play money by an ordinary transaction of the faucet; mined when this returns."""
        from eth_utils.address import is_address

        if not is_address(address) or wei <= 0:
            raise BadInput("bad-address", f"Cannot give {wei} wei of play money to {address!r}.")
        try:
            await self._in_thread(lambda node: node.mine(_payment(node, address, wei)))
        except RpcError as error:
            raise TransactionFailed("faucet-refused", "The faucet could not pay.", detail=error.message) from error

    async def request(self, method: str, params: Any) -> dict[str, Any]:
        """One JSON-RPC call and its answer, `result` or `error`, as it stands in the body of a node's response."""
        return await self._in_thread(lambda node: node.answer(method, params))

    async def __aenter__(self) -> EmbeddedChain:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rehearsal-chain")
        try:
            self._node = await asyncio.get_running_loop().run_in_executor(self._thread, open_node, self._folder)
            self._provider = make_provider(self.request)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._node = self._provider = None
        if self._thread is not None:
            # What has begun to be written is finished first: whoever opens the folder next finds it whole.
            await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[Node], T]) -> T:
        """Do it in the chain's one thread: py-evm takes seconds for a big template, and does one thing at a time."""
        if self._node is None or self._thread is None:
            raise RuntimeError("the embedded chain is used outside its `async with`")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._node)


def _payment(node: Node, address: str, wei: int) -> bytes:
    """A signed transaction that pays from the faucet."""
    from eth_account import Account
    from eth_utils.address import to_canonical_address, to_checksum_address

    transaction = {
        "type": 2,
        "chainId": node.chain_id,
        "nonce": node.state().get_nonce(to_canonical_address(play_address("faucet"))),
        "to": to_checksum_address(address),
        "value": wei,
        "gas": TRANSFER_GAS,
        "maxFeePerGas": node.base_fee(),
        "maxPriorityFeePerGas": 0,
    }
    return bytes(Account.sign_transaction(transaction, play_key("faucet")).raw_transaction)


def make_provider(request: Callable[[str, Any], Coroutine[Any, Any, dict[str, Any]]]) -> AsyncBaseProvider:
    """A web3 provider over these answers; the class is made here because web3 is imported only when it is used."""
    from web3.providers import AsyncBaseProvider

    class NodeLikeProvider(AsyncBaseProvider):
        async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
            answer: Any = await request(method, params)
            response: RPCResponse = answer
            return response

        async def is_connected(self, show_traceback: bool = False) -> bool:
            return True

        async def disconnect(self) -> None:
            """Nothing to close: the chain belongs to its `async with`."""

    return NodeLikeProvider()
