"""A transaction that another device signs: out as a file with every field and its review, back as raw bytes.

The unsigned file is one JSON object:

    format, v      `arbius-tui unsigned transaction`, 1
    review         the review in words, for the person at the other device
    from           the checksum address that must sign
    transaction    the fields as JSON-RPC writes them (eth_signTransaction, Clef, ethers, web3)
    unsigned_rlp   0x02 and the RLP of the nine unsigned fields (EIP-1559), which hardware wallets sign
    sign_hash      keccak256 of those bytes, for wallets that sign a digest
    how            what to do with it, in sentences

`read_signed` takes back what that device wrote, if it is what was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.transactions import (
    TYPE,
    SignedTransaction,
    Unsigned,
    assembled,
    decode_signed,
    differences,
    differs,
    hexadecimal,
    number,
    unreadable,
)

FORMAT, VERSION = "arbius-tui unsigned transaction", 1

LONGEST = 1 << 20
"""Bytes of a file that is read at all; the largest registration has 66 KB, twice that as hex."""

RAW_KEYS = ("raw", "rawTransaction", "raw_transaction", "signedTransaction", "signed", "result")
"""Under which tools put the signed transaction: geth and Clef, web3.js, web3.py, ledger scripts, JSON-RPC."""

HOW = (
    "Check the review above and, on the other device, the fields of `transaction`.",
    "Sign `transaction` with the account `from`, e.g. by eth_signTransaction, or sign `unsigned_rlp` there.",
    "Change no field: a signed transaction that differs in any is refused.",
    "Bring back the signed transaction in a file (0x.. or JSON): arbius-tui register .. --signed FILE",
)


def unsigned_file(unsigned: Unsigned, review: Mapping[str, str]) -> bytes:
    """The file that travels to the other device; `review` is for the person there, row by row."""
    content = {
        "format": FORMAT,
        "v": VERSION,
        "review": dict(review),
        "from": unsigned.sender,
        "transaction": unsigned.rpc(),
        "unsigned_rlp": "0x" + unsigned.payload().hex(),
        "sign_hash": "0x" + unsigned.sign_hash().hex(),
        "how": list(HOW),
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def read_unsigned(data: bytes) -> Unsigned:
    """An unsigned file back; BadInput `unsigned-unreadable` if it is none, or if its parts say different things."""
    found = json_of(data)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise unreadable("unsigned-unreadable", f"it is no file of the format {FORMAT!r}")
    if found.get("v") != VERSION:
        raise unreadable("unsigned-unreadable", f"its version is not {VERSION}")
    fields_ = found.get("transaction")
    unsigned = Unsigned.of(str(found.get("from")), fields_ if isinstance(fields_, dict) else {})
    payload = "0x" + unsigned.payload().hex()
    if found.get("unsigned_rlp") != payload or found.get("sign_hash") != "0x" + unsigned.sign_hash().hex():
        raise unreadable("unsigned-unreadable", "its `unsigned_rlp` or `sign_hash` is not that of its `transaction`")
    return unsigned


def read_signed(data: bytes, asked: Unsigned) -> SignedTransaction:
    """What the other device gave back, if it is what was asked for and signed by the right account.

    `data` is a file's content: the raw transaction as bytes or as hex, or JSON that holds it under a usual name, or
    JSON with the signature's `r`, `s` and `v` (or `yParity`). BadInput `signed-unreadable`, `signed-differs`,
    `signed-by-another`.
    """
    raw = raw_of(data, asked)
    found, signed = decode_signed(raw)
    if different := differences(asked, replace(found, sender=asked.sender)):
        raise differs(different, asked, found)
    if found.sender != asked.sender:
        raise BadInput(
            "signed-by-another",
            f"it was signed by {found.sender}, not by {asked.sender}",
            why="the model id follows from the address that signs: this would be another model",
            fix="sign it with the account that was reviewed, or choose the other account in step 8 and review again",
        )
    return signed


def raw_of(data: bytes, asked: Unsigned) -> bytes:
    """The raw signed transaction in a file, however its tool wrote it."""
    if len(data) > LONGEST:
        raise unreadable("signed-unreadable", f"it has {len(data)} bytes, more than any registration")
    if data[:1] == bytes([TYPE]) or data[:1] >= b"\xc0":
        return data
    found = json_of(data)
    if found is None:
        found = data.decode("utf-8", "replace").strip().strip("\"'")
    for _ in range(3):  # {"result": {"raw": "0x.."}}
        if not isinstance(found, dict):
            break
        if {"r", "s"} <= found.keys() and not any(isinstance(found.get(key), str) for key in RAW_KEYS):
            return from_signature(found, asked)
        found = next((found[key] for key in RAW_KEYS if found.get(key)), None)
    text = re.sub(r"\s", "", found) if isinstance(found, str) else ""
    try:
        return bytes.fromhex(hexadecimal(text)[2:])
    except ValueError:
        raise unreadable(
            "signed-unreadable", "there is no signed transaction in it, neither as 0x.. nor in JSON"
        ) from None


def from_signature(found: Mapping[str, Any], asked: Unsigned) -> bytes:
    """The raw transaction from r, s and v (or yParity) alone; v may be 27 or 28, as older wallets say it."""
    try:
        v = found.get("yParity", found.get("v"))
        parity = number(v if v is not None else "")
        parity = parity - 27 if parity in (27, 28) else parity
        return assembled(asked, parity, number(found["r"]), number(found["s"]))
    except (ValueError, TypeError) as error:
        raise unreadable("signed-unreadable", f"its signature cannot be read: {error}") from None


def json_of(data: bytes) -> Any:
    """JSON, or None."""
    try:
        return json.loads(data[:LONGEST])
    except (ValueError, RecursionError):
        return None
