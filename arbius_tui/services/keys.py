"""Private keys: how people paste them, the account that follows from one, and a signature.

No frame that raises holds a key in clear: such values stay inside `Secret`, and a Failure is raised outside of the
`except` block, so that nothing is chained to it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.domain.transactions import ORDER, SignedTransaction

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

REQUIRED = ("chainId", "nonce", "to", "value", "data", "gas", "maxFeePerGas", "maxPriorityFeePerGas")
"""What a complete EIP-1559 transaction has; nothing is filled in silently."""


def account_name(name: str) -> str:
    """The name of an account if it is one; BadInput (`account-name`) else."""
    if NAME.fullmatch(name):
        return name
    raise BadInput(
        "account-name",
        f"{clean(name)[:40]!r} cannot be the name of an account",
        why="the name is also the name of a file",
        fix="use 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or a digit",
    )


def new_key() -> Secret:
    """A private key from the system's random source."""
    while key_fault(key := Secret(secrets.token_hex(32))):
        pass
    return Secret("0x" + key.reveal())


def parsed_key(key: Secret) -> Secret:
    """A key as people paste it -> `0x` and 64 digits; BadInput (`key-malformed`) that tells its length and no more."""
    tidy = Secret("".join(key.reveal().split()).lower().removeprefix("0x"))
    if fault := key_fault(tidy):
        raise BadInput(
            "key-malformed",
            f"this is no private key: {fault}",
            why="a key that is cut or mistyped is another account, or none",
            fix="paste all 64 hexadecimal digits, with or without 0x",
        )
    return Secret("0x" + tidy.reveal())


def key_fault(key: Secret) -> str:
    """What is wrong with 64 digits, in words that hold none of them; empty when nothing is."""
    text = key.reveal()
    if len(text) != 64:
        return f"it has {len(text)} characters, a key has 64"
    if not re.fullmatch("[0-9a-f]{64}", text):
        return "it has characters other than 0-9 and a-f"
    return "" if 0 < int(text, 16) < ORDER else "no account has this number"


def address_of(key: Secret) -> str:
    """The checksum address of a key that `key_fault` found good; BadInput (`key-malformed`) for anything else."""
    from eth_account import Account as Accounts

    return str(Accounts.from_key(parsed_key(key).reveal()).address)


def complete(transaction: Mapping[str, Any]) -> dict[str, Any]:
    """The transaction as EIP-1559 wants it; BadInput (`transaction-incomplete`) when a field is missing."""
    absent = [key for key in REQUIRED if transaction.get(key) is None]
    if absent or transaction.get("type", 2) not in (2, "0x2"):
        raise BadInput(
            "transaction-incomplete",
            f"the transaction to sign lacks {', '.join(absent)}" if absent else "only EIP-1559 transactions are signed",
            why="what is signed must be exactly what was shown",
            fix="build it again with Register",
        )
    return {**transaction, "type": 2}


def signed(key: Secret, transaction: dict[str, Any]) -> SignedTransaction:
    """Sign; BadInput (`transaction-invalid`) when a field cannot be what it says, e.g. another sender."""
    from eth_account import Account as Accounts

    try:
        done = Accounts.sign_transaction(transaction, key.reveal())
        return SignedTransaction(done.raw_transaction.to_0x_hex(), done.hash.to_0x_hex(), int(transaction["nonce"]))
    except Exception as error:  # eth_account and rlp each have their own
        fault = clean(f"{type(error).__name__}: {error}")[:300]
    raise BadInput(
        "transaction-invalid",
        "this transaction cannot be signed by this account",
        why="what is signed must be exactly what was shown",
        fix="build it again with Register",
        detail=fault,
    )
