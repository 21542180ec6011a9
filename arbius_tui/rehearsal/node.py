"""py-evm made to answer like a node: the synchronous half of the embedded chain, for one thread.

eth-tester keeps the blocks and receipts. What differs from a real node is answered here instead: eth_call and
eth_estimateGas cost nothing and carry the revert data, an estimate knows the calldata floor of EIP-7623, and a
raw transaction is looked at as a node's pool does before it reaches the EVM (py-evm would mine one for another chain).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from arbius_tui.domain.errors import Failure

if TYPE_CHECKING:
    from eth.abc import ComputationAPI, SignedTransactionAPI, StateAPI
    from eth_typing import Address

RECURSION = sys.getrecursionlimit()
"""Python's own limit, read before py-evm changes it."""

GAS_LIMIT = 32_000_000
"""Gas of one block, as on Arbitrum One."""

NOBODY = "0x" + 40 * "0"
"""The sender of a call that names none."""

TRANSFER_GAS = 21_000
FLOOR_GAS_PER_TOKEN = 10
"""EIP-7623: a transaction costs at least 21000 + 10 gas for each zero byte of calldata and 40 for any other."""

REVERTED, REFUSED, INVALID_PARAMS, UNKNOWN_METHOD, INTERNAL = 3, -32000, -32602, -32601, -32603
"""JSON-RPC error codes, as geth and Nitro use them."""

AS_IT_IS = {
    "web3": ("clientVersion", "sha3"),
    "net": ("listening",),
    "eth": (
        "syncing",
        "blockNumber",
        "getBalance",
        "getStorageAt",
        "getTransactionCount",
        "getCode",
        "getBlockByHash",
        "getBlockByNumber",
        "getTransactionByHash",
        "getTransactionReceipt",
        "getLogs",
        "feeHistory",
    ),
}
"""What eth-tester itself answers well enough; everything that would sign with a key of its own is left out."""

TIME_TRAVEL = {"evm": ("snapshot", "revert", "mine")}
"""For tests only, and only in memory: a journal of transactions cannot follow these."""

Endpoint = Callable[[Any], Any]
Keep = Callable[[bytes], None]


class RpcError(Exception):
    """An answer that is a JSON-RPC error. `data` is 0x hex, and None where a node sends none."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def artifact() -> dict[str, Any]:
    """Engine.json: abi, bytecode, deployedBytecode and storageLayout of our Engine, as compile.mjs wrote it."""
    text = resources.files("arbius_tui.rehearsal").joinpath("contracts", "Engine.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def engine_account(values: Mapping[str, int]) -> dict[str, Any]:
    """The genesis entry of an Engine whose state variables hold these values, as if its constructor had set them."""
    from eth_utils.hexadecimal import decode_hex

    found = artifact()
    storage: dict[int, int] = {}
    for name, value in values.items():
        place = found["storageLayout"][name]
        storage[place["slot"]] = storage.get(place["slot"], 0) | value << 8 * place["offset"]
    return {"balance": 0, "nonce": 1, "code": decode_hex(found["deployedBytecode"]), "storage": storage}


class Node:
    """A chain that lives in this process. Not thread-safe: all calls come from one thread.

    `genesis` maps an address to {balance, nonce, code, storage}. `keep` is called with each raw transaction that the
    chain is about to mine, and may refuse it by raising. `time_travel` adds evm_snapshot, evm_revert and evm_mine.
    """

    def __init__(self, chain_id: int, genesis: Mapping[str, Mapping[str, Any]], *, time_travel: bool) -> None:
        from eth_tester import EthereumTester, PyEVMBackend
        from eth_utils.address import to_canonical_address

        backend = PyEVMBackend(
            genesis_parameters=PyEVMBackend.generate_genesis_params(overrides={"gas_limit": GAS_LIMIT}),
            genesis_state={to_canonical_address(address): dict(account) for address, account in genesis.items()},
        )
        # py-evm lifts it to 100,000; with that, deeply nested JSON from anybody ends Python by a memory fault.
        sys.setrecursionlimit(RECURSION)
        # eth-tester makes a new class for each chain, with an id of its own in it.
        type(backend.chain).chain_id = chain_id
        self.chain_id = chain_id
        self.keep: Keep | None = None
        self._tester = EthereumTester(backend, auto_mine_transactions=True)
        self._endpoints = self._make_endpoints(time_travel)

    def request(self, method: str, params: Any) -> Any:
        """The result of one JSON-RPC call, or RpcError."""
        from eth_tester.exceptions import BlockNotFound, ValidationError

        endpoint = self._endpoints.get(method)
        if endpoint is None:
            raise RpcError(UNKNOWN_METHOD, f"the method {method} does not exist/is not available")
        try:
            return self._translate(method, endpoint, params)
        except RpcError:
            raise
        except Failure as error:
            raise RpcError(INTERNAL, error.problem.what) from error
        except BlockNotFound as error:
            raise RpcError(REFUSED, "header not found") from error
        except (ValidationError, TypeError, ValueError, LookupError) as error:
            raise RpcError(INVALID_PARAMS, f"invalid argument: {error}") from error
        except Exception as error:
            # A node answers; it never makes its client raise what py-evm raises.
            raise RpcError(INTERNAL, f"internal error: {type(error).__name__}: {error}") from error

    def answer(self, method: str, params: Any) -> dict[str, Any]:
        """One JSON-RPC call and its answer, `result` or `error`, as it stands in the body of a node's response."""
        head = {"jsonrpc": "2.0", "id": 1}
        try:
            return {**head, "result": self.request(method, params)}
        except RpcError as error:
            data = {} if error.data is None else {"data": error.data}
            return {**head, "error": {"code": error.code, "message": error.message, **data}}

    def mine(self, raw: bytes) -> str:
        """Check a signed transaction as a node's pool does, keep it, and mine it into a block of its own; its hash."""
        from eth_utils.hexadecimal import encode_hex

        transaction = self._decode(raw)
        refusal = _refusal(transaction, self.chain_id, self.base_fee(), self.state())
        if refusal:
            raise RpcError(REFUSED, refusal)
        if self.keep is not None:
            self.keep(raw)
        found: str = self._tester.send_raw_transaction(encode_hex(raw))
        return found

    def state(self) -> StateAPI:
        """The accounts after the last block."""
        found: StateAPI = self._tester.backend.chain.get_vm().state
        return found

    def base_fee(self) -> int:
        """Wei of the next block's base fee."""
        return int(self._tester.get_block_by_number("pending")["base_fee_per_gas"])

    @staticmethod
    def _translate(method: str, endpoint: Endpoint, params: Any) -> Any:
        """Between the names and numbers of JSON-RPC and those of eth-tester, by web3's own tables."""
        from web3.providers.eth_tester.middleware import request_formatters, result_formatters
        from web3.types import RPCEndpoint

        if method == "eth_call" and len(params) == 1:
            params = [*params, "latest"]  # a node lets it be left out, the table does not
        before = request_formatters.get(RPCEndpoint(method))
        after = (result_formatters or {}).get(RPCEndpoint(method))
        result = endpoint(before(params) if before else params)
        return after(result) if after else result

    def _make_endpoints(self, time_travel: bool) -> dict[str, Endpoint]:
        from web3.providers.eth_tester.defaults import API_ENDPOINTS

        def delegate(function: Any) -> Endpoint:
            return lambda params: function(self._tester, params)

        names = AS_IT_IS | (TIME_TRAVEL if time_travel else {})
        endpoints = {
            f"{space}_{name}": delegate(API_ENDPOINTS[space][name]) for space, names in names.items() for name in names
        }
        return endpoints | {
            "eth_chainId": lambda _: self.chain_id,
            "net_version": lambda _: str(self.chain_id),
            "eth_accounts": lambda _: [],
            "eth_gasPrice": lambda _: self.base_fee(),
            "eth_maxPriorityFeePerGas": lambda _: 0,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_sendRawTransaction": lambda params: self.mine(_raw_bytes(params[0])),
        }

    def _call(self, params: Any) -> str:
        from eth_utils.hexadecimal import encode_hex

        computation = self._simulate(params)[1]
        _raise_if_failed(computation)
        return encode_hex(computation.output)

    def _estimate(self, params: Any) -> int:
        """Enough gas for the call: what it used, and what it must not have used up on the way.

        A call hands on only 63/64 of what is left, and SSTORE wants to see 2,300 left (EIP-2200), so that exactly the
        gas that was used can be too little.
        """
        transaction, computation = self._simulate(params)
        _raise_if_failed(computation)
        ran = computation.get_gas_used()
        used = transaction.intrinsic_gas + ran
        return max(used + (ran // 63 + 2_300 if ran else 0), _floor_gas(transaction.data))

    def _simulate(self, params: Any) -> tuple[SignedTransactionAPI, ComputationAPI]:
        """Run a call on top of a block (the last, if none is named), free of charge, and forget what it changed."""
        from eth_utils.exceptions import ValidationError

        asked = {"from": NOBODY, **params[0]}
        self._tester.validator.validate_inbound_transaction(asked, txn_internal_type="call")
        call = self._tester.normalizer.normalize_inbound_transaction(asked)
        block = params[1] if len(params) > 1 else "latest"
        backend = self._tester.backend
        number = self._tester.get_block_by_number("latest" if block == "pending" else block)["number"]
        header = backend.chain.get_canonical_block_header_by_number(number)
        with backend.chain.get_vm(at_header=header).in_costless_state() as state:
            transaction = self._spoof(call, state)
            try:
                return transaction, state.apply_transaction(transaction)
            except ValidationError as error:
                raise RpcError(REFUSED, f"insufficient funds for transfer: {error}") from error

    def _spoof(self, call: Mapping[str, Any], state: StateAPI) -> SignedTransactionAPI:
        from eth.vm.spoof import SpoofTransaction

        sender: Address = call["from"]
        unsigned = self._tester.backend.chain.create_unsigned_transaction(
            nonce=state.get_nonce(sender),
            gas_price=0,
            gas=call.get("gas", GAS_LIMIT),
            to=call.get("to", b""),
            value=call.get("value", 0),
            data=call.get("data", b""),
        )
        spoofed: Any = SpoofTransaction(unsigned, from_=sender)
        found: SignedTransactionAPI = spoofed
        return found

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        """The transaction in these bytes, its signature checked; RpcError in a node's words when there is none."""
        try:
            builder = self._tester.backend.chain.get_transaction_builder()
            transaction: SignedTransactionAPI = builder.decode(raw)
            transaction.validate()
            len(transaction.sender)
        except Exception as error:
            # rlp, eth-keys and py-evm each raise their own kinds for bytes that are no transaction.
            raise RpcError(REFUSED, f"invalid transaction: {error}") from error
        return transaction


def _refusal(transaction: SignedTransactionAPI, chain_id: int, base_fee: int, state: StateAPI) -> str | None:
    """Why a node's pool refuses this transaction, in geth's words; None when it does not."""
    floor = max(transaction.intrinsic_gas, _floor_gas(transaction.data))
    gas, fee, tip = transaction.gas, transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
    if transaction.chain_id != chain_id:
        return f"invalid sender: invalid chain id for signer: have {transaction.chain_id} want {chain_id}"
    if gas > GAS_LIMIT:
        return f"exceeds block gas limit: have {gas}, limit {GAS_LIMIT}"
    if gas < floor:
        return f"intrinsic gas too low: have {gas}, want {floor}"
    if tip > fee:
        return f"max priority fee per gas higher than max fee per gas: {tip}, {fee}"
    if fee < base_fee:
        return f"max fee per gas less than block base fee: maxFeePerGas: {fee}, baseFee: {base_fee}"
    return _refusal_of_account(transaction, state)


def _refusal_of_account(transaction: SignedTransactionAPI, state: StateAPI) -> str | None:
    from eth_utils.address import to_checksum_address

    sender, nonce = transaction.sender, transaction.nonce
    expected, balance = state.get_nonce(sender), state.get_balance(sender)
    who = f"address {to_checksum_address(sender)}"
    if nonce != expected:
        return f"nonce too {'low' if nonce < expected else 'high'}: {who}, tx: {nonce} state: {expected}"
    cost = transaction.value + transaction.gas * transaction.max_fee_per_gas
    if cost > balance:
        return f"insufficient funds for gas * price + value: {who} have {balance} want {cost}"
    return None


def _raw_bytes(raw: str | bytes) -> bytes:
    from eth_utils.hexadecimal import decode_hex

    return decode_hex(raw) if isinstance(raw, str) else bytes(raw)


def _floor_gas(data: bytes) -> int:
    zeros = data.count(0)
    return TRANSFER_GAS + FLOOR_GAS_PER_TOKEN * (zeros + 4 * (len(data) - zeros))


def _raise_if_failed(computation: ComputationAPI) -> None:
    """RpcError as a node sends it: a revert is code 3 with its data, anything else (out of gas) a plain refusal."""
    from eth.exceptions import Revert
    from eth_utils.hexadecimal import encode_hex

    if computation.is_success:
        return
    if not isinstance(computation.error, Revert):
        raise RpcError(REFUSED, f"{computation.error}" or type(computation.error).__name__)
    reason = _require_string(computation.output)
    raise RpcError(REVERTED, f"execution reverted{': ' + reason if reason else ''}", encode_hex(computation.output))


def _require_string(data: bytes) -> str:
    """The sentence of `require(false, "...")`, which is Error(string); empty when the data is anything else."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    if data[:4] != bytes.fromhex("08c379a0"):
        return ""
    try:
        return str(decode(["string"], data[4:])[0])
    except DecodingError:
        return ""
