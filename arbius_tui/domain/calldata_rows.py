"""What a transaction to the engine does, read from its own calldata: the review that the wallet page shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from arbius_tui.domain import cid, registered
from arbius_tui.domain.engine import FUNCTIONS, NOBODY, model_id, selector, signature
from arbius_tui.domain.evm import checksum
from arbius_tui.domain.networks import Network
from arbius_tui.domain.text import amount, exact_bytes

Rows = tuple[tuple[str, str], ...]

MOST_LISTED = 6
"""Addresses of an allow list that are shown one by one."""


def rows(transaction: Mapping[str, Any], sender: str, network: Network) -> Rows:
    """Label and value of everything the author signs; nothing comes from anywhere but the transaction."""
    data = bytes.fromhex(str(transaction["data"]).removeprefix("0x"))
    to = checksum(str(transaction["to"]))
    where = f"{to}, Arbius's engine" if to == network.engine else to
    value = int(transaction.get("value") or 0)
    return (
        *called(data, sender),
        ("contract", where),
        ("network", f"{network.title} (chain {network.chain_id})"),
        ("from", sender),
        ("value", f"{amount(value, 'ETH')} besides the fee of the network" if value else "nothing but the network fee"),
        *most(transaction),
    )


def most(transaction: Mapping[str, Any]) -> Rows:
    """What it costs at most by our own estimate, where there is one."""
    gas, price = transaction.get("gas"), transaction.get("maxFeePerGas")
    if not isinstance(gas, int) or not isinstance(price, int):
        return ()
    return (("cost", f"at most about {amount(gas * price, 'ETH')}; your wallet makes its own estimate"),)


def called(data: bytes, sender: str) -> Rows:
    """The function and its arguments; a function that is not the engine's by its selector alone."""
    name = next((name for name in FUNCTIONS if selector(signature(name)) == "0x" + data[:4].hex()), "")
    if name in registered.REGISTERING and (call := registered.decoded(name, data[4:])):
        return registration(name, call, sender)
    arguments = decoded(name, data[4:]) if name else ()
    return (("call", name or f"a function that is not known here (0x{data[:4].hex()})"), *arguments)


def registration(name: str, call: registered.Call, sender: str) -> Rows:
    """A registration, with the model id that follows from it."""
    hashed = cid.multihash(call.template)
    owner = ", so nobody can ever manage it" if call.addr == NOBODY else ", you" if call.addr == sender else ""
    listed: Rows = ()
    if call.allow_list is not None:
        shown = ", ".join(call.allow_list[:MOST_LISTED]) or "nobody"
        more = len(call.allow_list) - MOST_LISTED
        listed = (("allow list", shown + (f" and {more} more" if more > 0 else "")),)
    return (
        ("call", name),
        ("model id", model_id(sender, call.addr, call.fee_wei, hashed)),
        ("template", f"{exact_bytes(len(call.template))}, sha256 {hashlib.sha256(call.template).hexdigest()}"),
        ("owner", call.addr + owner),
        ("fee", f"{amount(call.fee_wei, 'AIUS')} a task"),
        *listed,
    )


def decoded(name: str, arguments: bytes) -> Rows:
    """The arguments of one of the engine's functions by their names; empty where these bytes are none."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    parts = [part.split(" ") for part in filter(None, FUNCTIONS[name][0].split(", "))]
    try:
        values = decode([part[0] for part in parts], arguments)
    except (DecodingError, OverflowError, ValueError):
        return (("arguments", "of another shape than this function takes"),)
    return tuple(
        (LABELS.get(part[-1], part[-1].strip("_")), spoken(part[-1], value))
        for part, value in zip(parts, values, strict=True)
    )


LABELS = {"model_": "model id", "fee_": "fee", "addr_": "owner", "solvers_": "solvers"}


def spoken(name: str, value: Any) -> str:
    """An argument for a person."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple | list):
        return ", ".join(spoken(name, part) for part in value) or "nobody"
    if name == "fee_":
        return f"{amount(value, 'AIUS')} a task"
    return checksum(value) if isinstance(value, str) and value.startswith("0x") else str(value)
