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
    """A key as people paste it -> `0x` and 64 digits; BadInput (`key-malformed`) that tells its length and no more.

    Blanks, quotes, `0x` and a `PRIVATE_KEY=` in front are taken off. What people paste by mistake is refused in words
    of its own: `key-is-phrase`, `key-is-address`.
    """
    tidy = bare(key)
    fault = key_fault(tidy)
    if not fault:
        return Secret("0x" + tidy.reveal())
    if is_phrase(key):
        raise seed_phrase()
    if re.fullmatch("[0-9a-f]{40}", tidy.reveal()):
        raise only_address()
    raise BadInput(
        "key-malformed",
        f"this is no private key: {fault}",
        why="a key that is cut or mistyped is another account, or none",
        fix="paste all 64 hexadecimal digits, with or without 0x",
    )


def bare(key: Secret) -> Secret:
    """The digits alone, in lower case: without what shells, `.env` files and web pages put around them."""
    text = key.reveal().translate(INVISIBLE).strip()
    named = re.fullmatch(r"(?:export\s+|set\s+|-+)?[A-Za-z_][A-Za-z0-9_-]{0,60}\s*[=:]\s*(.*)", text, re.DOTALL)
    text = (named.group(1) if named else text).strip().rstrip(";,").strip(QUOTES)
    return Secret("".join(text.split()).lower().removeprefix("0x"))


QUOTES = "\"'`\u201c\u201d\u2018\u2019 \t\r\n"

INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\x00"))
"""Characters that web pages and editors add and nobody sees."""


def is_phrase(key: Secret) -> bool:
    """Whether it looks like a seed phrase (BIP 39): 12 to 24 words of letters."""
    words = re.sub(r"^\s*\w+\s*[=:]|[\d.,;\"']+", " ", key.reveal()).split()
    return len(words) in range(11, 26) and all(word.isalpha() and 2 < len(word) < 12 for word in words)


def seed_phrase() -> BadInput:
    """Twelve words or more."""
    return BadInput(
        "key-is-phrase",
        "this is a seed phrase, not a private key; it is not kept",
        why="a seed phrase opens every account of your wallet on every chain; one account is all that is needed here",
        fix="sign with the wallet that has it (browser wallet), or export there the private key of this one account",
    )


def only_address() -> BadInput:
    """Forty digits."""
    return BadInput(
        "key-is-address",
        "this is an address, not a private key",
        why="with an address one can look; only the key behind it can sign",
        fix="to look only, and sign on another device: arbius-tui wallet watch NAME ADDRESS",
    )


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
