"""The Engine contract as an author sees it: its ABI, model ids, calldata, what each version can do, errors in words.

Facts are of V2_EngineV6 and of the versions before it. Nothing here talks to a chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.evm import checksum, keccak, parse_address, selector, topic
from arbius_tui.domain.reverts import ERRORS, explain_revert

__all__ = [
    "ABI",
    "ERRORS",
    "EVENTS",
    "FUNCTIONS",
    "MAX_TEMPLATE",
    "MODEL_REGISTERED",
    "NOBODY",
    "WHOLE",
    "Features",
    "author_share",
    "call_data",
    "checksum",
    "explain_revert",
    "features",
    "keccak",
    "model_id",
    "parse_address",
    "register_calldata",
    "returned",
    "selector",
    "signature",
    "topic",
]

NOBODY = "0x0000000000000000000000000000000000000001"
"""As a model's addr: nobody but the engine's owner can ever change the model, and its fees are sent to nobody."""

MAX_TEMPLATE = 65_536
"""The largest template in bytes that any version of the engine accepts (IPFS.sol)."""

WHOLE = 10**18
"""100 % as the engine writes it; also one AIUS in wei and a mining rate of 1."""

Abi = dict[str, Any]

MODEL = "uint256 fee, address addr, uint256 rate, bytes cid"
"""The struct Model; the argument type `model` below."""

FUNCTIONS: dict[str, tuple[str, str, str]] = {
    "registerModel": ("address addr_, uint256 fee_, bytes template_", "bytes32 id", "nonpayable"),
    "registerModelWithAllowList": (
        "address addr_, uint256 fee_, bytes template_, address[] allowList_",
        "bytes32 id",
        "nonpayable",
    ),
    "hashModel": ("model o_, address sender_", "bytes32 id", "pure"),
    "generateIPFSCID": ("bytes content_", "bytes cid", "pure"),
    "models": ("bytes32 id", MODEL, "view"),
    "setModelFee": ("bytes32 model_, uint256 fee_", "", "nonpayable"),
    "setModelAddr": ("bytes32 model_, address addr_", "", "nonpayable"),
    "addToModelAllowList": ("bytes32 model_, address[] solvers_", "", "nonpayable"),
    "removeFromModelAllowList": ("bytes32 model_, address[] solvers_", "", "nonpayable"),
    "disableModelAllowList": ("bytes32 model_", "", "nonpayable"),
    "isSolverAllowed": ("bytes32 model_, address solver_", "bool allowed", "view"),
    "modelRequiresAllowList": ("bytes32 model_", "bool required", "view"),
    "submitSolutionMinerAllowList": ("bytes32 model_", "bool required", "view"),
    "paused": ("", "bool paused", "view"),
    "version": ("", "uint256 version", "view"),
    "owner": ("", "address owner", "view"),
    "pauser": ("", "address pauser", "view"),
    "treasury": ("", "address treasury", "view"),
    "baseToken": ("", "address token", "view"),
    "voter": ("", "address voter", "view"),
    "solutionModelFeePercentage": ("", "uint256 percentage", "view"),
    "solutionModelFeePercentageOverride": ("bytes32 model_", "uint256 percentage", "view"),
    "hasSolutionModelFeePercentageOverride": ("bytes32 model_", "bool has", "view"),
    "setSolutionMineableRate": ("bytes32 model_, uint256 rate_", "", "nonpayable"),
    "submitTask": (
        "uint8 version_, address owner_, bytes32 model_, uint256 fee_, bytes input_",
        "",
        "nonpayable",
    ),
}
"""Name -> arguments, results, mutability. `voter` and the fee percentage are of V5, allow lists and overrides of V6."""

EVENTS: dict[str, str] = {
    "ModelRegistered": "bytes32 indexed id",
    "ModelFeeChanged": "bytes32 indexed id, uint256 fee",
    "ModelAddrChanged": "bytes32 indexed id, address addr",
    "ModelAllowListUpdated": "bytes32 indexed model, address indexed solver, bool added",
    "ModelAllowListRequirementChanged": "bytes32 indexed model, bool required",
    "SolutionMineableRateChange": "bytes32 indexed id, uint256 rate",
    "PausedChanged": "bool indexed paused",
    "VersionChanged": "uint256 version",
}
"""Name -> arguments. ModelRegistered is the only event of a registration, with an allow list or without."""


def _parameters(text: str) -> list[Abi]:
    found: list[Abi] = []
    for part in filter(None, text.split(", ")):
        kind, *marks, name = part.split(" ")
        parameter: Abi = {"name": name, "type": kind}
        if kind == "model":
            parameter |= {"type": "tuple", "components": _parameters(MODEL)}
        if marks:
            parameter["indexed"] = True
        found.append(parameter)
    return found


def _event(name: str, text: str) -> Abi:
    inputs = [{"indexed": False, **parameter} for parameter in _parameters(text)]
    return {"type": "event", "name": name, "inputs": inputs, "anonymous": False}


def _function(name: str) -> Abi:
    takes, gives, mutability = FUNCTIONS[name]
    return {
        "type": "function",
        "name": name,
        "inputs": _parameters(takes),
        "outputs": _parameters(gives),
        "stateMutability": mutability,
    }


ABI: tuple[Abi, ...] = (
    *(_function(name) for name in FUNCTIONS),
    *(_event(name, text) for name, text in EVENTS.items()),
    *({"type": "error", "name": name, "inputs": []} for name in ERRORS),
)
"""The engine's ABI as JSON has it: what an author needs of V6."""


def _types(text: str) -> list[str]:
    return ["(" + ",".join(_types(MODEL)) + ")" if p["type"] == "tuple" else p["type"] for p in _parameters(text)]


def signature(name: str) -> str:
    """The canonical signature of a function or an event, e.g. `setModelFee(bytes32,uint256)`."""
    takes = FUNCTIONS[name][0] if name in FUNCTIONS else EVENTS[name]
    return f"{name}({','.join(_types(takes))})"


MODEL_REGISTERED = "0xa4b0af38d049ba81703a0d0e46cc2ff39681210302134046237111a8fb7dee72"
"""topic0 of ModelRegistered(bytes32 indexed id); the id is topics[1] and there is no data."""


def call_data(name: str, *arguments: Any) -> str:
    """The calldata of a function as 0x hex."""
    from eth_abi.abi import encode

    return selector(signature(name)) + encode(_types(FUNCTIONS[name][0]), arguments).hex()


def returned(name: str, data: bytes) -> tuple[Any, ...]:
    """What a function returned, decoded; ValueError when these bytes are not of that shape."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        return tuple(decode(_types(FUNCTIONS[name][1]), data))
    except (DecodingError, OverflowError) as error:
        raise ValueError(f"{name} returned {len(data)} bytes of another shape: {error}") from None


def register_calldata(addr: str, fee_wei: int, template: bytes, allow_list: Sequence[str] | None = None) -> str:
    """The calldata of a registration as 0x hex; an allow list, even an empty one, needs V6."""
    _in_range(fee_wei)
    if allow_list is None:
        return call_data("registerModel", addr, fee_wei, template)
    return call_data("registerModelWithAllowList", addr, fee_wei, template, tuple(allow_list))


def model_id(sender: str, addr: str, fee_wei: int, multihash: str | bytes) -> str:
    """The id a registration will get, as 0x hex: keccak256(abi.encode(sender, addr, fee, cid)).

    `multihash` is the template's CIDv0 as 34 bytes or 0x hex. Neither chain, engine, rate nor allow list goes into it,
    so the id is the same on every chain, and changing fee or addr later does not change it.
    """
    from eth_abi.abi import encode

    raw = multihash if isinstance(multihash, bytes) else _bytes(multihash)
    if len(raw) != 34 or raw[:2] != b"\x12\x20":
        raise BadInput(
            "multihash",
            "this is not the multihash of a CIDv0",
            why="a model id is made from exactly the 34 bytes 0x1220 and a sha256",
            fix="compute the CID from the template's bytes",
        )
    _in_range(fee_wei)
    packed = encode(
        ["address", "address", "uint256", "bytes"], [parse_address(sender), parse_address(addr), fee_wei, raw]
    )
    return "0x" + keccak(packed).hex()


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return b""


def _in_range(fee_wei: int) -> None:
    if not 0 <= fee_wei < 2**256:
        raise BadInput(
            "fee",
            f"a fee of {fee_wei} wei cannot be written into the engine",
            why="it is an unsigned number of 256 bits, in wei of AIUS",
            fix="take 0 or more, e.g. 3500000000000000 wei, which is 0.0035 AIUS",
        )


@dataclass(frozen=True, slots=True)
class Features:
    """What an engine of some version can do for an author."""

    set_model: bool
    fee_share: bool
    allow_lists: bool


def features(version: int) -> Features:
    """What the engine can do if it is what version() says; its owner can set that number, so simulate too."""
    return Features(set_model=version >= 4, fee_share=version >= 5, allow_lists=version >= 6)


def author_share(model_fee_wei: int, treasury_percentage: int, task_fee_wei: int | None = None) -> int:
    """Wei that reach the model's addr for one claimed solution.

    `treasury_percentage` is the model's override if it has one, else solutionModelFeePercentage(); WHOLE, which is what
    V5 and V6 start with, leaves the author nothing. Before V5 it is 0. A task that paid less than the model's fee
    (the fee was raised since) gives nothing. Rounding is the engine's: what is left over goes to the treasury.
    """
    if task_fee_wei is not None and model_fee_wei > task_fee_wei:
        return 0
    return model_fee_wei * (WHOLE - treasury_percentage) // WHOLE
