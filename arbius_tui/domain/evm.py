"""What every Ethereum program needs and no more: keccak256, selectors, addresses with their checksum (EIP-55)."""

from __future__ import annotations

import re

from arbius_tui.domain.errors import BadInput

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def keccak(data: bytes) -> bytes:
    """The keccak256 digest, 32 bytes (Ethereum's, not NIST's SHA3-256)."""
    from eth_hash.auto import keccak as digest

    return digest(data)


def selector(signature: str) -> str:
    """The 4-byte selector of a function or an error, as 0x hex; `signature` is canonical, e.g. `paused()`."""
    return "0x" + keccak(signature.encode()).hex()[:8]


def topic(signature: str) -> str:
    """The topic0 of an event, as 0x hex; `signature` is canonical, e.g. `ModelRegistered(bytes32)`."""
    return "0x" + keccak(signature.encode()).hex()


def checksum(address: str) -> str:
    """An address of 0x and 40 hex digits in any case, with its EIP-55 checksum."""
    digits = address[2:].lower()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(c.upper() if int(mark, 16) >= 8 else c for c, mark in zip(digits, marks, strict=False))


def parse_address(text: str) -> str:
    """What an author typed as a checksummed address; blanks around it and plain lower case are fine.

    BadInput `address-length`, `address-checksum`, or `address` for anything else.
    """
    typed = text.strip()
    if not re.fullmatch(r"0[xX][0-9a-fA-F]*", typed):
        raise _bad("address", typed, "it is not 0x and hex digits", "paste the whole address, 0x included")
    digits = typed[2:]
    if len(digits) != 40:
        why = f"it has {len(digits)} hex digits after 0x; an address has 40"
        if len(digits) == 64:
            why += " (64 digits are a hash or a private key: never paste a key where an address belongs)"
        raise _bad("address-length", typed, why, "copy the address again, whole")
    right = checksum("0x" + digits)
    if digits not in (digits.lower(), digits.upper()) and "0x" + digits != right:
        why = "its capital letters are a checksum (EIP-55), and it does not fit: a character is wrong"
        raise _bad("address-checksum", typed, why, "copy the address again from its source instead of typing it")
    return right


def _bad(code: str, typed: str, why: str, fix: str) -> BadInput:
    # Whatever is longer than an address may be a key or a seed phrase: it is not shown again.
    shown = typed if len(typed) <= 44 else typed[:6] + "..."
    return BadInput(code, f"{shown!r} is not an address", why=why, fix=fix)
