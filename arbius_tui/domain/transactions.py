"""An EIP-1559 transaction, field by field: what is signed, what came back signed, by whom, and where they differ.

Nothing that comes back signed is believed: it is decoded strictly, its signer recovered, every field compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.evm import checksum, keccak

TYPE = 2
"""Of an EIP-1559 transaction; its bytes begin with it."""

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the group of secp256k1."""


@dataclass(frozen=True)
class SignedTransaction:
    """A signed transaction: its raw bytes as 0x hex, and the hash it will have."""

    raw: str = field(repr=False)
    hash: str
    nonce: int


@dataclass(frozen=True)
class Unsigned:
    """An EIP-1559 transaction without its signature, and who must sign it. Amounts in wei, `data` as 0x hex."""

    sender: str
    chain_id: int
    nonce: int
    to: str
    value: int
    data: str = field(repr=False)
    gas: int
    max_fee: int
    max_tip: int

    @classmethod
    def of(cls, sender: str, transaction: Mapping[str, Any]) -> Unsigned:
        """From the fields of a complete transaction as web3 or JSON-RPC name them; BadInput `transaction-invalid`."""
        try:
            return cls(
                sender=signer_of(sender, transaction),
                chain_id=number(transaction["chainId"]),
                nonce=number(transaction["nonce"]),
                to=address(transaction["to"]),
                value=number(transaction["value"]),
                data=hexadecimal(transaction["data"]),
                gas=number(transaction["gas"]),
                max_fee=number(transaction["maxFeePerGas"]),
                max_tip=number(transaction["maxPriorityFeePerGas"]),
            )
        except (KeyError, ValueError, TypeError) as error:
            absent = isinstance(error, KeyError)
            raise invalid(f"it has no {error.args[0]}" if absent else str(error)) from None

    def transaction(self) -> dict[str, Any]:
        """The fields as web3 and eth_account take them, without `from`."""
        return {
            "type": TYPE,
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "to": self.to,
            "value": self.value,
            "data": self.data,
            "gas": self.gas,
            "maxFeePerGas": self.max_fee,
            "maxPriorityFeePerGas": self.max_tip,
        }

    def rpc(self) -> dict[str, Any]:
        """The same as JSON-RPC writes it: numbers as 0x hex, and an empty access list."""
        named = self.transaction()
        return {key: hex(value) if isinstance(value, int) else value for key, value in named.items()} | {
            "accessList": []
        }

    def items(self) -> list[Any]:
        """The nine fields in the order of EIP-1559, as bytes and an empty list."""
        numbers = (self.chain_id, self.nonce, self.max_tip, self.max_fee, self.gas)
        to, data = bytes.fromhex(self.to[2:]), bytes.fromhex(self.data[2:])
        return [*map(big_endian, numbers), to, big_endian(self.value), data, []]

    def payload(self) -> bytes:
        """What is hashed and signed: the type, then the RLP of the fields."""
        return bytes([TYPE]) + encoded(self.items())

    def sign_hash(self) -> bytes:
        """The digest that a wallet signs, 32 bytes."""
        return keccak(self.payload())


def decode_signed(raw: bytes) -> tuple[Unsigned, SignedTransaction]:
    """A raw signed EIP-1559 transaction: its fields with the signer recovered, and its hash.

    BadInput `signed-unreadable` for another type, bytes that are not canonical, and signatures no chain accepts.
    """
    if raw[:1] != bytes([TYPE]):
        old = raw[:1] >= b"\xc0"
        kind = "a legacy transaction" if old else f"of type {raw[0]}" if raw else "empty"
        raise unreadable("signed-unreadable", f"it is {kind}; an EIP-1559 transaction (type 2) was asked for")
    try:
        unsigned = unpacked(decoded(raw[1:]))
    except ValueError as error:
        raise unreadable("signed-unreadable", str(error)) from None
    return unsigned, SignedTransaction("0x" + raw.hex(), "0x" + keccak(raw).hex(), unsigned.nonce)


def unpacked(items: list[Any]) -> Unsigned:
    """The fields of a signed transaction, its signer recovered; ValueError for what no chain accepts."""
    if len(items) != 12 or items[8] != [] or not all(isinstance(item, bytes) for item in items[:8] + items[9:]):
        raise ValueError("it does not have the twelve fields of a signed transaction without an access list")
    if len(items[5]) != 20:
        raise ValueError("it goes to no address")
    chain_id, nonce, tip, fee, gas = (integer(item) for item in items[:5])
    to, value, data = checksum("0x" + items[5].hex()), integer(items[6]), "0x" + items[7].hex()
    unsigned = Unsigned("", chain_id, nonce, to, value, data, gas, fee, tip)
    parity, r, s = (integer(item) for item in items[9:])
    return replace(unsigned, sender=recovered(unsigned.sign_hash(), parity, r, s))


def signer_of(sender: str, transaction: Mapping[str, Any]) -> str:
    """Who must sign it; ValueError when the transaction is of another account or another type."""
    if number(transaction.get("type", TYPE)) != TYPE or transaction.get("accessList"):
        raise ValueError("it is not an EIP-1559 transaction without an access list")
    if "from" in transaction and address(transaction["from"]) != address(sender):
        raise ValueError("it is from another account")
    return address(sender)


def assembled(asked: Unsigned, parity: int, r: int, s: int) -> bytes:
    """The raw signed transaction of these fields and a signature, e.g. from a hardware wallet."""
    return bytes([TYPE]) + encoded([*asked.items(), *map(big_endian, (parity, r, s))])


def differences(asked: Unsigned, found: Unsigned) -> tuple[str, ...]:
    """The names of the fields in which they differ, as a person reads them, in the order of the review."""
    return tuple(
        NAMES.get(f.name, f.name) for f in fields(Unsigned) if getattr(asked, f.name) != getattr(found, f.name)
    )


NAMES = {
    "sender": "from", "chain_id": "chain id", "max_fee": "max fee per gas", "max_tip": "max priority fee per gas",
    "gas": "gas limit",
}  # fmt: skip
"""How the fields are called, where their own name is not it."""


def differs(names: Sequence[str], asked: Unsigned, found: Unsigned) -> BadInput:
    """It was signed, but it is not what was asked for."""
    of = {NAMES.get(f.name, f.name): f.name for f in fields(Unsigned)}
    pairs = [(name, str(getattr(asked, of[name])), str(getattr(found, of[name]))) for name in names]
    said = "; ".join(f"{name}: asked {shown(mine)}, signed {shown(theirs)}" for name, mine, theirs in pairs)
    return BadInput(
        "signed-differs",
        f"the signed transaction differs from what was reviewed in: {', '.join(names)}",
        why="what is sent must be exactly what was reviewed; nothing was sent",
        fix="sign the file again without changing a field; or write a new one if fees or the nonce have moved on",
        detail=said,
    )


def shown(value: str) -> str:
    """A value that may be long calldata."""
    return value if len(value) <= 66 else f"{value[:34]}.. ({(len(value) - 2) // 2} bytes)"


def recovered(digest: bytes, parity: int, r: int, s: int) -> str:
    """Who made this signature; ValueError for one that no chain accepts (EIP-2 wants the lower s)."""
    if parity not in (0, 1) or not 0 < r < ORDER or not 0 < s <= ORDER // 2:
        raise ValueError("its signature is none that a chain accepts")
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    try:
        return str(Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest).to_checksum_address())
    except (BadSignature, ValidationError):
        raise ValueError("its signature belongs to no account") from None


def encoded(items: list[Any]) -> bytes:
    """RLP."""
    import rlp

    return bytes(rlp.encode(items))


def decoded(data: bytes) -> list[Any]:
    """A list from its RLP, strictly: nothing behind it, nothing longer than needed."""
    import rlp

    try:
        found = rlp.decode(data, strict=True)
    except (rlp.DecodingError, RecursionError) as error:
        raise unreadable("signed-unreadable", f"its bytes are cut or changed: {type(error).__name__}") from None
    if not isinstance(found, list):
        raise unreadable("signed-unreadable", "its bytes are no list of fields")
    return found


def integer(data: bytes) -> int:
    """A number as RLP has it; ValueError for one with leading zeros, which is another transaction's hash."""
    if data[:1] == b"\0" or len(data) > 32:
        raise ValueError("a number in it is not in its shortest form")
    return int.from_bytes(data)


def big_endian(value: int) -> bytes:
    """A number in its shortest form."""
    return value.to_bytes((value.bit_length() + 7) // 8)


def number(value: object) -> int:
    """An amount: an int, or text in decimal or 0x hex; never a float, a bool or below zero."""
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{1,64}|[0-9]{1,78}", value):
        value = int(value, 16 if value.startswith("0x") else 10)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 256:
        raise ValueError(f"{str(value)[:80]!r} is no number")
    return value


def address(value: object) -> str:
    """A checksummed address."""
    if not isinstance(value, str) or not re.fullmatch("0x[0-9a-fA-F]{40}", value):
        raise ValueError(f"{str(value)[:44]!r} is no address")
    return checksum(value)


def hexadecimal(value: object) -> str:
    """Bytes, or their hex, as lower-case 0x hex."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    text = value.lower().removeprefix("0x") if isinstance(value, str) else "-"
    if not re.fullmatch("(?:[0-9a-f]{2})*", text):
        raise ValueError("its data is not hexadecimal")
    return "0x" + text


def invalid(detail: str) -> BadInput:
    """A transaction that cannot be signed as it is."""
    return BadInput(
        "transaction-invalid",
        "this is no complete EIP-1559 transaction",
        why="what is signed must be exactly what was shown",
        fix="build it again with Register",
        detail=detail,
    )


def unreadable(code: str, what: str) -> BadInput:
    """A file that cannot be what it should be."""
    return BadInput(
        code,
        f"this file cannot be used: {what}",
        why="only the transaction that was reviewed is sent; nothing was sent",
        fix="bring the file that the signing device wrote, whole and unchanged",
    )
