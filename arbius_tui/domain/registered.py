"""A registration as it stands in a transaction, and the proof that it is the one of a model id.

The id is keccak256(abi.encode(sender, addr, fee, cid)), and the cid is the hash of the template. So bytes, sender, addr
and fee that give the id are the registered ones, whoever told them: no RPC and no gateway has to be believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from arbius_tui.domain import cid
from arbius_tui.domain.engine import FUNCTIONS, MAX_TEMPLATE, model_id, selector, signature
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.evm import checksum
from arbius_tui.domain.text import clean

REGISTERING = ("registerModel", "registerModelWithAllowList")
MOST_CALLS, MOST_SENDERS = 64, 200
"""Calls in one transaction, and addresses in it, that are tried; a bundle of a wallet has a handful."""

_WORD = 32


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call of registerModel or registerModelWithAllowList."""

    addr: str
    fee_wei: int
    template: bytes = field(repr=False)
    allow_list: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration that gives exactly this model id. Addresses have their checksum, `block` is the chain's number."""

    model_id: str
    tx_hash: str
    block: int
    sender: str
    call: Call


def parse_id(text: str) -> str:
    """`0x` and 64 hexadecimal digits in lower case; BadInput (`model-id`) for anything else."""
    digits = text.strip().lower().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise BadInput(
            "model-id",
            f"{clean(text)[:80]!r} is no model id",
            why="a model id is a keccak256 hash",
            fix="it is 0x and 64 hexadecimal digits, as the website, an explorer or the registration shows it",
        )
    return f"0x{digits}"


def calls(calldata: bytes) -> Iterator[Call]:
    """Every registration in a transaction's calldata, also one that a wallet's contract wraps."""
    found = 0
    for name in REGISTERING:
        mark = bytes.fromhex(selector(signature(name))[2:])
        at = calldata.find(mark)
        while at >= 0 and found < MOST_CALLS:
            found += 1
            if call := decoded(name, calldata[at + len(mark) :]):
                yield call
            at = calldata.find(mark, at + 1)


def decoded(name: str, arguments: bytes) -> Call | None:
    """The arguments of a call, None where these bytes are none; more bytes may follow."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    types = [part.split(" ")[0] for part in FUNCTIONS[name][0].split(", ")]
    try:
        addr, fee, template, *listed = decode(types, arguments, strict=False)
    except (DecodingError, OverflowError, ValueError):
        return None
    if not 0 < len(template) <= MAX_TEMPLATE:
        return None
    allowed = tuple(checksum(one) for one in listed[0]) if listed else None
    return Call(checksum(addr), fee, bytes(template), allowed)


def senders(calldata: bytes, *named: str) -> list[str]:
    """Who may have called the engine: those that are named, then every address that stands in the calldata."""
    words = (calldata[at : at + _WORD] for at in range(4, len(calldata) - _WORD + 1, _WORD))
    inside = ("0x" + word[12:].hex() for word in words if word[:12] == bytes(12) and any(word[12:16]))
    return list(dict.fromkeys([*(name for name in named if name), *inside]))[:MOST_SENDERS]


def proven(wanted: str, calldata: bytes, *named: str, tx_hash: str = "", block: int = 0) -> Registered | None:
    """The registration in this calldata that gives the wanted id, None when there is none."""
    known = senders(calldata, *named)
    for call in calls(calldata):
        hashed = cid.multihash(call.template)
        for sender in dict.fromkeys([*known, call.addr]):
            if model_id(sender, call.addr, call.fee_wei, hashed) == wanted:
                return Registered(wanted, tx_hash, block, checksum(sender), call)
    return None


def bound_by_id(wanted: str, multihash: str, addr: str, fee_wei: int) -> bool:
    """Whether a model that its own addr registered has this id: then the id proves the CID without a transaction."""
    return model_id(addr, addr, fee_wei, multihash) == wanted
